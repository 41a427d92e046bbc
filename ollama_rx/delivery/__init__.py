"""One stream, many sinks; and streams as loops: `deliver` and `iterate`."""
