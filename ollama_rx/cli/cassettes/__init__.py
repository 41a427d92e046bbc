"""``ollama-rx record`` and ``ollama-rx replay``: cassettes for programs in any language."""
