"""``ollama-rx doctor``: what is there, what is missing, and what brings it.

Each file ``check_*.py`` is one check; a new file is a new check. `find_checks` says what it must have.
"""
