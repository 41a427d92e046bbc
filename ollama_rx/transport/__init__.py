"""How bytes arrive: connections, and the loop or thread a request runs on."""
