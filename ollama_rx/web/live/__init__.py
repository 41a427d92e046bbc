"""A sink that shows a stream in the browser."""
