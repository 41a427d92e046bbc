"""Play a recorded exchange through `FakeOllama`."""

from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Self

from ollama_rx.errors import CassetteError
from ollama_rx.testing.cassettes.recorded_exchange import RecordedExchange, RecordedRequest, is_upload
from ollama_rx.testing.cassettes.request_match import RequestMatch
from ollama_rx.testing.server.observed import Request
from ollama_rx.testing.server.reply import NDJSON, Reply, error_status
from ollama_rx.testing.server.steps import Step, Until, cut


class CassetteScript:
    """The script of a `FakeOllama` that plays a cassette."""

    def __init__(self, match: RequestMatch) -> None:
        self._match = match

    @classmethod
    def of(cls, path: Path, speed: float | None) -> Self:
        """Read a cassette.

        Raises:
            CassetteError: there is no such file, or it is not a cassette.
        """
        return cls(RequestMatch.of(path, speed))

    def reply(self, request: Request) -> Reply:
        """Return the recorded reply to a request; HTTP 501 with the reason if there is none."""
        body = None if is_upload(request.path) else request.body
        try:
            exchange = self._match.find(RecordedRequest.of(request.method, request.path, body))
        except CassetteError as error:
            return error_status(HTTPStatus.NOT_IMPLEMENTED, str(error))
        return replayed_reply(exchange)


def replayed_reply(exchange: RecordedExchange) -> Reply:
    """Return a reply with the lines of an exchange at their times.

    An exchange without a response closes the connection, and one that broke cuts it.
    """
    if exchange.status is None:
        return Reply(lambda _: _steps(exchange), framing="none")
    return Reply(
        lambda _: _steps(exchange),
        status=exchange.status,
        content_type=exchange.content_type,
        framing="chunked" if exchange.content_type == NDJSON or exchange.end != "complete" else "length",
    )


def _steps(exchange: RecordedExchange) -> Iterator[Step]:
    yield Until(exchange.head_ms / 1000)
    for line in exchange.lines:
        yield Until(line.ms / 1000)
        yield line.content
    yield Until(exchange.end_ms / 1000)
    if exchange.end != "complete":
        yield cut(reset=exchange.error == "ReadError")
