"""From our arguments to the bytes of a request, checked before anything is sent."""
