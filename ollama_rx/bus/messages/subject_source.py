"""Receive the messages that other programs send to a NATS subject."""

from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

from reactivex import Observable

from ollama_rx.arguments import check_choice, check_whole, wrong_value
from ollama_rx.bus.connection.bus_connection import BusConnection, BusConnections
from ollama_rx.bus.connection.connection_options import ConnectionOptions
from ollama_rx.bus.connection.credentials import Credentials
from ollama_rx.bus.messages.check_subject import check_pattern, check_word
from ollama_rx.bus.messages.durable_subscription import DurableSubscription
from ollama_rx.bus.messages.subject_message import SubjectMessage
from ollama_rx.bus.messages.subject_subscription import SubjectSubscription
from ollama_rx.rx.subscriber import ChainObserver
from ollama_rx.rx.subscription import ChainSubscription
from ollama_rx.transport.generator_stream import GeneratorStream, StreamOwner
from ollama_rx.transport.open_calls import OpenCalls

Acknowledge = Literal["manual", "auto"]
"""When a message is acknowledged: by `SubjectMessage.ack`, or as soon as the subscriber has taken it."""


def from_subject(
    subject: str,
    servers: str | Sequence[str] | None = None,
    *,
    credentials: Credentials | None = None,
    durable: str | None = None,
    acknowledge: Acknowledge = "manual",
    max_unacknowledged: int = 1,
    queue: str | None = None,
    max_waiting: int = 65_536,
) -> Observable[SubjectMessage]:
    """Emit the messages that are sent to a subject, for as long as there is a subscription.

    ::

        subject  ---a---b-----c--      messages that programs send
        stream   ---a---b-----c--

    The observable is cold: each subscription has a connection of its own, which is closed when the
    subscription is disposed. It runs on the event loop or thread where a request of a client would run. A
    lost connection is opened again; the stream ends with an error only if the first connection fails, the
    server refuses the user, or the consumer that it receives from is deleted.

    Without ``durable``, messages are received only while there is a subscription. Those that are sent while
    the connection is lost, or while ``max_waiting`` others wait for a slow subscriber, are lost.

    With ``durable``, a JetStream stream delivers the messages it has stored, and remembers under this name
    which were acknowledged. Subscriptions with the same name, on any machine, share the messages. A message
    that was not acknowledged is delivered again: at once when the subscription ends, after half a minute when
    its process has died. If the server crashes, a message that was just acknowledged may be delivered again
    too. A subscription holds at most ``max_unacknowledged`` messages, so nothing is fetched while the
    subscriber is busy, however long that takes. But a callback that blocks for more than half a minute also
    blocks the in-progress messages to the server, and another subscription gets the message too: use
    ``concat_map``, which waits without blocking.

    Args:
        subject: words between dots; ``*`` stands for any word, ``>`` at the end for any number of words.
        servers: as in `jetstream`: one URL or several; NATS_URL or the server on this machine if None.
        credentials: as in `jetstream`.
        durable: the name under which acknowledgements are remembered; letters, digits, "_" and "-".
        acknowledge: "manual" means that you call `SubjectMessage.ack`, for instance when an answer is
            complete; "auto" acknowledges each message when the subscriber has taken it.
        max_unacknowledged: how many messages this subscription may hold, at least 1.
        queue: without ``durable``, the name of a group whose subscriptions share the messages.
        max_waiting: without ``durable``, how many messages may wait, at least 1.

    Raises:
        UnreachableError: to the subscriber, if there is no server.
        SubjectError: to the subscriber, if no stream stores the subject, or the user may not receive it.
    """
    check_pattern(subject)
    for name, word in ("durable", durable), ("queue", queue):
        if word is not None:
            check_word(name, word)
    check_choice("acknowledge", acknowledge, get_args(Acknowledge))
    check_whole("max_unacknowledged", max_unacknowledged, least=1)
    check_whole("max_waiting", max_waiting, least=1)
    if durable is not None and queue is not None:
        raise wrong_value("queue", "None together with durable, whose subscriptions share anyway", queue)
    bus = _Bus(ConnectionOptions.of(servers, credentials))

    def subscribe(connection: BusConnection) -> SubjectSubscription:
        if durable is None:
            return SubjectSubscription(connection, subject, queue=queue or "", max_waiting=max_waiting)
        return DurableSubscription(connection, subject, durable=durable, max_held=max_unacknowledged)

    async def messages() -> AsyncGenerator[SubjectMessage]:
        connections = BusConnections(bus.options, name="ollama-rx from_subject")
        try:
            async with connections.lease() as connection, subscribe(connection) as subscription:
                while True:
                    yield await subscription.next()
        finally:
            await connections.aclose()

    return _Messages(bus, messages, acknowledges=acknowledge == "auto")


class _Messages(GeneratorStream[SubjectMessage]):
    """The stream of messages; with ``acknowledges``, it acknowledges those that its subscriber has taken."""

    def __init__(
        self,
        owner: StreamOwner,
        generator: Callable[[], AsyncGenerator[SubjectMessage]],
        *,
        acknowledges: bool,
    ) -> None:
        super().__init__(owner, generator, SubjectMessage)
        self._acknowledges = acknowledges

    def subscribe_chained(
        self, observer: ChainObserver[SubjectMessage], subscription: ChainSubscription
    ) -> None:
        """Subscribe, and acknowledge each message after ``on_next`` if that is wanted."""
        on_next = observer.on_next

        def take(message: SubjectMessage) -> None:
            on_next(message)
            if subscription.is_cancelled or not subscription.is_disposed:  # else the subscriber failed
                message.ack()

        if self._acknowledges:
            observer = observer._replace(on_next=take)
        super().subscribe_chained(observer, subscription)


@dataclass(frozen=True, slots=True)
class _Bus:
    """What a `GeneratorStream` has to know about the bus."""

    options: ConnectionOptions
    open_calls: OpenCalls = field(default_factory=OpenCalls)

    @property
    def shown_url(self) -> str:
        return self.options.shown_url
