"""A stream, or a talk with a voice, through a WebSocket."""
