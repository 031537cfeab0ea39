"""The commands of `epigate`, one module each, in the table of `gateway/_commands.py`."""
