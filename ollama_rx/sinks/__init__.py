"""Where a stream ends: ``deliver(stream, Console())``."""
