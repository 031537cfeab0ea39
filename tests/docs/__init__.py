"""The manual, held to the code: `python -m tests.docs` writes what is generated anew."""
