"""Checks of arguments that several operators share."""


def check_seconds(name: str, seconds: float) -> None:
    """Refuse what is no positive number of seconds; infinity and NaN are none either."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise TypeError(f"{name} must be a number of seconds, not {type(seconds).__name__}")
    if not 0 < seconds < float("inf"):
        raise ValueError(f"{name} must be more than 0 seconds, not {seconds}")


def check_count(name: str, count: int) -> None:
    """Refuse what is no whole number from 1 on."""
    if isinstance(count, bool) or not isinstance(count, int):
        raise TypeError(f"{name} must be a whole number, not {type(count).__name__}")
    if count < 1:
        raise ValueError(f"{name} must be at least 1, not {count}")
