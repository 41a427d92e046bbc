"""Streams to sinks and streams as loops: `deliver` and `iterate`."""
