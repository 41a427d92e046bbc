"""The programs of the benchmarks of the bus; each side runs in a process of its own."""
