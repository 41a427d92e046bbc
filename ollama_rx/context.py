"""A place to keep a conversation's context between two requests."""


class ContextBox:
    """Holds the tokens of a conversation: an operator fills it, the next request reads it.

    ::

        box = ContextBox()
        client.generate("My name is Ada.", context=box).pipe(op.capture_context(box), ...)
        client.generate("What is my name?", context=box)    # reads the box when it is subscribed

    One box may be shared between threads: the value is replaced as a whole, never changed in place.

    >>> box = ContextBox()
    >>> box.value is None
    True
    """

    __slots__ = ("value",)

    def __init__(self, value: tuple[int, ...] | None = None) -> None:
        self.value = value
        """The tokens of the last answer that brought some, None before."""

    def clear(self) -> None:
        """Start a new conversation."""
        self.value = None

    def __repr__(self) -> str:
        held = "empty" if self.value is None else f"{len(self.value)} tokens"
        return f"<ContextBox {held}>"
