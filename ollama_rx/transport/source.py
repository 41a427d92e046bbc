"""A request as a cold Observable: nothing is sent before it is subscribed to."""

from collections.abc import Callable
from typing import TypeVar

from ollama_rx.errors import UnreachableError
from ollama_rx.operators._life import Life
from ollama_rx.operators._through import Stream, Tap
from ollama_rx.transport.call import Call
from ollama_rx.transport.loops import place
from ollama_rx.transport.session import Request, Session
from ollama_rx.wire import Reader

T = TypeVar("T")


class Source(Stream[T]):
    """Sends its request once for each subscription."""

    def __init__(
        self, session: Session, request: Callable[[], Request], reader: Callable[[], Reader[T]]
    ) -> None:
        super().__init__()
        self._session = session
        self._request = request
        self._reader = reader

    def attach(self, down: Tap[T], life: Life) -> None:
        """Build the request and start the call where the subscriber's scheduler says."""
        life.root(down.on_error, down.on_completed)
        try:
            call = Call(self._session, self._request(), self._reader(), down, life)
        except Exception as error:  # noqa: BLE001 - a stream turns it into on_error
            life.fail(error)
            return

        def homeless(error: OSError) -> None:
            life.fail(UnreachableError(self._session.shown_url, str(error)))

        life.add(call.stop)
        start = place(life.scheduler, call.begin, homeless)
        if start is not None:
            life.add(start.dispose)
