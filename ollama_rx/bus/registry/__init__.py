"""What workers register about themselves, and the requests that they answer."""
