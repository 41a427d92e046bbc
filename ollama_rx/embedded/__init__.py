"""A real small language model in this process, behind Ollama's wire protocol: no server, no account."""
