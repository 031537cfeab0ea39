"""Sending the messages of signals: the channels, and the loop that sends what is due (E2, E10)."""
