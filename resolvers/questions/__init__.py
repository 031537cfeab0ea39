"""Answering: what was selected becomes shapes, shapes become statements, rows become the
response.
"""
