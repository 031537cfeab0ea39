"""What the system does: answer, decide, hand over, detect."""
