"""Erasing a person (F10): asked for by one security administrator, confirmed by another.

What erases stands beside the keys (`gateway.keys.erasing`), which the command line uses, too; here
is what the schema makes of it.
"""
