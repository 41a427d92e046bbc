"""One loaded model: llama.cpp through xllamacpp, behind four calls."""

import http.client
import os
import secrets
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol, cast

import orjson

from ollama_rx.embedded.refusal import Refusal
from ollama_rx.errors import EmbeddedModelError

SLOTS = 2  # answers computed at the same time; more wait in line
CONTEXT_TOKENS = 2048  # prompt and answer of one slot together

# llama.cpp looks for a cancel between two batches only: 16 prompt tokens are 0.1 s on one thread (512: 2.3 s)
# and cost 20 % of the prompt speed of the default.
_BATCH_TOKENS = 16
_MAX_THREADS = 4
_SILENT = -1
_CALL_SECONDS = 60.0

Event = dict[str, object]


class _Server(Protocol):
    listening_address: str

    def handle_completions(
        self, request: Mapping[str, object], callback: Callable[[Event], bool], /
    ) -> object: ...


class _Threads(Protocol):
    n_threads: int
    poll: int


class _ModelFile(Protocol):
    path: str


class _Parameters(Protocol):
    model: _ModelFile
    cpuparams: _Threads
    cpuparams_batch: _Threads
    api_keys: list[str]


class _Xllamacpp(Protocol):
    def CommonParams(self) -> _Parameters: ...  # noqa: N802 - its name
    def Server(self, parameters: _Parameters, /) -> _Server: ...  # noqa: N802 - its name


def require_engine() -> None:
    """Raise EmbeddedModelError unless xllamacpp is installed; costs no import of it."""
    if find_spec("xllamacpp") is None:
        raise EmbeddedModelError('the embedded model needs an extra: pip install "ollama-rx[embedded]"')


class Engine:
    """A model in memory. All calls block and may come from any thread; ``close`` frees the memory.

    Only the loading (0.2 s for SmolLM2) holds Python's lock and so every other thread: xllamacpp's
    constructor does not release it. Everything else runs beside Python.

    xllamacpp always opens an HTTP port as well; here it is a free one of the loopback interface behind a
    random key, used for the two things that its Python object does not offer: templates and tokens.
    """

    def __init__(self, path: Path) -> None:
        require_engine()
        xllamacpp = cast(_Xllamacpp, import_module("xllamacpp"))
        self._key = secrets.token_urlsafe()
        parameters = _parameters(xllamacpp, path, self._key)
        try:
            self._server = xllamacpp.Server(parameters)
        except Exception as error:
            advice = "is it a GGUF model that fits in memory?"
            raise EmbeddedModelError(f"cannot load {path}: {advice}") from error
        self._address = self._server.listening_address.rpartition("/")[2]
        # A server that is closed before its loop has begun hangs for ever and holds Python's lock: the loop
        # resets the flag that tells it to end (seen with xllamacpp 2026.10). An answer proves that it runs.
        self.complete({"prompt": [0], "max_tokens": 0}, lambda _: False)

    def render(self, messages: Sequence[Mapping[str, object]]) -> str:
        """Turn chat messages into the model's prompt, ready for its answer."""
        return cast(str, self._call("/apply-template", {"messages": messages})["prompt"])

    def tokenize(self, text: str, *, start: bool, special: bool) -> list[int]:
        """Turn text into token ids: with the model's start token, with special tokens read as such."""
        body = {"content": text, "add_special": start, "parse_special": special}
        return cast("list[int]", self._call("/tokenize", body)["tokens"])

    def complete(self, request: Mapping[str, object], on_event: Callable[[Event], bool]) -> None:
        """Compute an answer; ``on_event`` gets each event of it and returns True to stop the computation.

        It is also called between the batches of the prompt. What it raises stops the computation and goes on.
        """
        raised: list[BaseException] = []

        def guarded(event: Event) -> bool:
            try:
                return on_event(event)
            except BaseException as error:  # noqa: BLE001 - xllamacpp swallows it, so it is carried around
                raised.append(error)
                return True

        self._server.handle_completions({**request, "stream": True, "return_progress": True}, guarded)
        if raised:
            raise raised[0]

    def close(self) -> None:
        """End llama.cpp's threads and free the model; no call may be running, and none may follow."""
        del self._server

    def _call(self, path: str, body: Mapping[str, object]) -> dict[str, object]:
        connection = http.client.HTTPConnection(self._address, timeout=_CALL_SECONDS)
        try:
            connection.request("POST", path, orjson.dumps(body), {"Authorization": f"Bearer {self._key}"})
            reply = connection.getresponse()
            answer = cast("dict[str, object]", orjson.loads(reply.read()))
        finally:
            connection.close()
        if reply.status != http.client.OK:
            raise refusal_of(answer)
        return answer


def refusal_of(event: Mapping[str, object]) -> Refusal:
    """Translate llama.cpp's error object."""
    error = cast("Mapping[str, object]", event["error"])
    return Refusal(cast(int, error.get("code", 500)), str(error.get("message", "")))


def _parameters(xllamacpp: _Xllamacpp, path: Path, key: str) -> _Parameters:
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(path)
    parameters.api_keys = [key]
    # Two threads on a machine of two busy cores give a tenth of the speed of one: they spin at barriers.
    threads = max(1, min(_MAX_THREADS, (os.cpu_count() or 1) - 1))
    for pool in (parameters.cpuparams, parameters.cpuparams_batch):
        pool.n_threads = threads
        pool.poll = 0
    settings = {
        "n_ctx": SLOTS * CONTEXT_TOKENS,
        "n_parallel": SLOTS,
        "n_batch": _BATCH_TOKENS,
        "n_ubatch": _BATCH_TOKENS,
        "ctx_shift": False,  # an answer ends at the context's limit instead of going on for ever
        "cache_ram_mib": 0,  # by default llama.cpp keeps up to 8 GB of old prompts
        "fit_params": False,  # a trial run for graphics cards; it doubles the loading time
        "port": 0,
        "n_threads_http": SLOTS,
        _web_page(parameters): False,
        "warmup": False,
        "verbosity": _SILENT,
    }
    for name, value in settings.items():
        setattr(parameters, name, value)
    return parameters


def _web_page(parameters: _Parameters) -> str:
    """Name the switch of llama.cpp's web page, which was renamed in 2026."""
    return "ui" if hasattr(parameters, "ui") else "webui"
