"""Changing keys over all stores of a configuration: what `epigate keys` does."""
