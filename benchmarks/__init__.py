"""The measurements behind the claims about speed: `python -m benchmarks`."""
