"""A worker: it takes prompts from the bus, asks its hosts, and stores what they answer."""
