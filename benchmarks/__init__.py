"""What the speed claims rest on: `python -m benchmarks` measures us, the floor and the peers."""
