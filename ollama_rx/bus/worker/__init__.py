"""A worker: takes prompts from the bus, sends them to its hosts, and stores the answers."""
