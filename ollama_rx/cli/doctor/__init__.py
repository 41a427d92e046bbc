"""``ollama-rx doctor``: what works, what is missing, and how to get it.

Each file ``check_*.py`` is one check; a new file is a new check. `find_checks` says what it must have.
"""
