"""The benchmarks: `python -m bench --help`. Not part of what is installed."""
