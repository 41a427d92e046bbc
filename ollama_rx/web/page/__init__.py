"""The page of ``ollama-rx serve``: conversations, streamed answers, a voice."""
