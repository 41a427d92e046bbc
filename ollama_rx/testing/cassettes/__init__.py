"""Cassettes: what a client and a server have said to each other, in a file, with its times."""
