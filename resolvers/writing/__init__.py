"""Writing: registration, visits, samples, corrections; each with an idempotency key (B14, F12)."""
