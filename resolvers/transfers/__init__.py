"""Transfers and custody as questions and mutations see them."""
