"""Numbers with their nouns."""


def counted(number: int, noun: str) -> str:
    """Write a number and its noun, in the plural if need be.

    >>> counted(1, "message"), counted(2, "message")
    ('1 message', '2 messages')
    """
    return f"{number} {noun}" + ("" if number == 1 else "s")
