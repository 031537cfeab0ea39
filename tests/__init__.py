"""The tests, floor by floor. `python -m tests` runs every check of the project."""
