"""Find the exchange of a cassette that a request repeats."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import Final, Self

from ollama_rx.arguments import check_positive
from ollama_rx.errors import CassetteError, excerpt
from ollama_rx.protocol.json_fields import list_of, object_of
from ollama_rx.testing.cassettes.cassette_file import read_cassette
from ollama_rx.testing.cassettes.recorded_exchange import RecordedExchange, RecordedRequest, Recording
from ollama_rx.testing.cassettes.without_texts import request_without_texts


class RequestMatch:
    """Hands out the exchanges of a cassette: equal requests get theirs one after the other.

    Requests are equal if their method, path and JSON are; the order of the fields does not matter, nor
    whether ``"stream": true``, which is the default, is among them. The last exchange for a request is
    repeated. May be used from any thread.
    """

    def __init__(self, path: Path, recording: Recording) -> None:
        self._path = path
        self._recording = recording
        self._requests = [_comparable(exchange.request) for exchange in recording.exchanges]
        self._lock = Lock()
        self._played: set[int] = set()

    @classmethod
    def of(cls, path: Path, speed: float | None) -> Self:
        """Read a cassette, to be played at a speed; None: at once.

        Raises:
            CassetteError: there is no such file, or it is not a cassette.
        """
        if speed is not None:
            check_positive("speed", speed)
        return cls(path, read_cassette(path).at_speed(speed))

    @property
    def models(self) -> set[str]:
        """The names of the models that are asked in the cassette."""
        bodies = [object_of(request.body) for request in self._requests]
        return {str(body["model"]) for body in bodies if "model" in body}

    def find(self, request: RecordedRequest) -> RecordedExchange:
        """Return the next exchange for a request.

        Raises:
            CassetteError: the cassette has no such request.
        """
        request = _comparable(request if self._recording.has_texts else request_without_texts(request))
        equal = [number for number, recorded in enumerate(self._requests) if recorded == request]
        if not equal:
            raise CassetteError(self._path, self._mismatch(request))
        with self._lock:
            number = next((number for number in equal if number not in self._played), equal[-1])
            self._played.add(number)
        return self._recording.exchanges[number]

    def _mismatch(self, request: RecordedRequest) -> str:
        """Say what is different about the recorded request that resembles this one most."""
        same_path = [recorded for recorded in self._requests if str(recorded) == str(request)]
        if not same_path:
            found = sorted({str(recorded) for recorded in self._requests})
            return f"it has no {request}" + (f", only {', '.join(found)}" if found else "; it is empty")
        differences = min((list(_differences(known.body, request.body)) for known in same_path), key=len)
        return f"no {request} in it is like this one; the nearest has {'; '.join(differences[:3])}"


def _comparable(request: RecordedRequest) -> RecordedRequest:
    body = object_of(request.body)
    if body.get("stream") is not True:
        return request
    return replace(request, body={name: value for name, value in body.items() if name != "stream"})


def _differences(recorded: object, sent: object, where: str = "") -> Iterator[str]:
    """Describe where two JSON values differ."""
    kinds = (type(recorded), type(sent))
    if recorded == sent:
        return
    if kinds == (dict, dict):
        known, new = object_of(recorded), object_of(sent)
        for name in {**known, **new}:
            inner = f"{where}.{name}" if where else name
            yield from _differences(known.get(name, _MISSING), new.get(name, _MISSING), inner)
    elif kinds == (list, list):
        yield from _list_differences(list_of(recorded), list_of(sent), where)
    else:
        yield f"{excerpt(where) or 'a body'} {_shown(recorded)} where this has {_shown(sent)}"


def _list_differences(recorded: Sequence[object], sent: Sequence[object], where: str) -> Iterator[str]:
    if len(recorded) != len(sent):
        yield f"{excerpt(where) or 'a body'} with {len(recorded)} in it where this has {len(sent)}"
        return
    for position, (known, new) in enumerate(zip(recorded, sent, strict=True)):
        yield from _differences(known, new, f"{where}[{position}]")


class _Missing:
    """Stands for a field that only the other object has."""


_MISSING: Final = _Missing()


def _shown(value: object) -> str:
    return "nothing" if value is _MISSING else excerpt(repr(value))
