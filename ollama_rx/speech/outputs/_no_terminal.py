"""Samples must not reach a terminal: it would take them for characters and commands."""


def refuse_terminal(name: str, file: object) -> None:
    """Refuse a file that is a terminal."""
    isatty = getattr(file, "isatty", None)  # a file of the user's own may have `write` and `flush` only
    if isatty is not None and isatty():
        raise ValueError(f"{name}: expected a file or a pipe, got a terminal; pipe it to a player")
