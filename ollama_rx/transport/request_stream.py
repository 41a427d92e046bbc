"""A request as a cold Observable: it is sent when it is subscribed to.

Where it runs: on the loop of an `AsyncIOScheduler`; else on the event loop that is running; else on a thread
of its own with an internal event loop. Any other scheduler only starts it. Code that runs on an internal loop
(a subscriber's callback) counts as code on a plain thread.
"""

from collections.abc import Callable
from typing import TypeVar

from ollama_rx.errors import UnreachableError
from ollama_rx.protocol.readers import Reader
from ollama_rx.rx.internal_loop import begin_where_subscribed
from ollama_rx.rx.operator import ChainedObservable
from ollama_rx.rx.subscriber import ChainObserver
from ollama_rx.rx.subscription import ChainSubscription
from ollama_rx.transport.call import Call
from ollama_rx.transport.session import PreparedRequest, Session

T = TypeVar("T")


class RequestStream(ChainedObservable[T]):
    """Sends its request once for each subscription."""

    def __init__(
        self,
        session: Session,
        request: Callable[[], PreparedRequest],
        reader: Callable[[], Reader[T]],
        item_type: type[T] | None = None,
    ) -> None:
        super().__init__()
        self.item_type = item_type
        self._session = session
        self._request = request
        self._reader = reader

    def subscribe_chained(self, observer: ChainObserver[T], subscription: ChainSubscription) -> None:
        """Build the request and start the call, on the subscriber's scheduler if there is one."""
        subscription.set_terminal_handlers(observer.on_error, observer.on_completed)
        try:
            call = Call(self._session, self._request(), self._reader(), observer, subscription)
        except Exception as error:  # noqa: BLE001 - a stream turns it into on_error
            subscription.fail(error)
            return

        def no_loop(error: OSError) -> None:
            subscription.fail(UnreachableError(self._session.shown_url, str(error)))

        subscription.add_teardown(call.stop)
        start = begin_where_subscribed(subscription.scheduler, call.begin, no_loop)
        if start is not None:
            subscription.add_teardown(start.dispose)
