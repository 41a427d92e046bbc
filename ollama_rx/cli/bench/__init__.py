"""``ollama-rx bench``: how fast a model answers, alone and with several streams at once."""
