"""Proof by breaking it: handoffs under faults, and a checker that does not know our code."""
