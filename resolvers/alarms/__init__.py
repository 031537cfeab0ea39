"""Alarms over the access log (G6): what raises one, and reading and acknowledging them."""
