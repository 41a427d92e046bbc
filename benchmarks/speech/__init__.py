"""What is measured of a voice: one program for each scenario of `benchmarks.voice`, which prints JSON."""
