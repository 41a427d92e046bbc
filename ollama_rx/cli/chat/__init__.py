"""``ollama-rx chat``: a conversation in the terminal."""
