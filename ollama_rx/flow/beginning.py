"""Who waits until a thread has subscribed waits no more when that thread blocks."""

from threading import Event, local

_thread = local()


def begins(begun: Event) -> None:
    """Say that somebody waits for ``begun``, which this thread sets when it has subscribed."""
    _thread.begun = begun


def about_to_block() -> None:
    """Say that this thread will wait for a reader: who waits for its subscription shall wait no more.

    For sources that send while they are subscribed to.
    """
    begun: Event | None = getattr(_thread, "begun", None)
    if begun is not None:
        begun.set()
