"""``ollama-rx run`` and ``speak``, and what all commands share that ask a model."""
