"""What all methods of a client stand on: requests as cold Observables."""

from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self, TypeVar

from reactivex import Observable

from ollama_rx.chunks import Progress
from ollama_rx.requests.bodies import encode
from ollama_rx.requests.checks import check_text
from ollama_rx.transport.session import Request, Session
from ollama_rx.transport.source import Source
from ollama_rx.wire import ProgressReader, Reader, WholeReader

T = TypeVar("T")


class Endpoints:
    """A session with a server, and what a request to it becomes."""

    def __init__(self, session: Session, *, model: str | None, max_line_bytes: int) -> None:
        self._session = session
        self._model = model
        self._max = max_line_bytes

    @property
    def url(self) -> str:
        """The server's base URL, without credentials."""
        return self._session.shown_url

    def _named(self, model: str | None) -> str:
        name = model or self._model or self._session.default_model
        if name is None:
            raise ValueError("model: name one here or once in Client(model=...)")
        check_text("model", name)
        return name

    def _progress(self, path: str, body: Mapping[str, Any]) -> Observable[Progress]:
        request = Request("POST", path, encode({**body, "stream": True}))
        return Source(self._session.patient(), lambda: request, lambda: ProgressReader(self._max))

    def _one(
        self, method: str, path: str, body: Mapping[str, Any] | None, item: Callable[[dict[str, Any]], T]
    ) -> Observable[T]:
        return self._source(method, path, body, lambda: WholeReader(item, self._max))

    def _nothing(self, method: str, path: str, body: Mapping[str, Any]) -> Observable[None]:
        return self._source(method, path, body, lambda: WholeReader(_ignored, self._max, may_be_empty=True))

    def _source(
        self, method: str, path: str, body: Mapping[str, Any] | None, reader: Callable[[], Reader[T]]
    ) -> Observable[T]:
        request = Request(method, path, b"" if body is None else encode(body))  # what can't be sent fails now
        return Source(self._session, lambda: request, reader)

    def close(self) -> None:
        """Close the idle connections; streams that are under way go on to their end."""
        self._session.close()

    async def aclose(self) -> None:
        """Do what `close` does, from a loop."""
        await self._session.aclose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


def _ignored(_: dict[str, Any]) -> None:
    return None
