"""Assist requests (协查): letters by which a region asks another to find people (C)."""
