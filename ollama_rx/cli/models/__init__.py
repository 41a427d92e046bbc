"""Commands about the models of a server, one file each."""
