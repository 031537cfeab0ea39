"""Outbreak signals: from daily counts to what is unusual (requirements E)."""
