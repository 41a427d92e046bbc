"""Commands that run until Ctrl-C and answer others: ``serve``, ``worker``, ``embedded serve``."""
