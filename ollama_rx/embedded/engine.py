"""A loaded model: llama.cpp through xllamacpp, reduced to four calls."""

import http.client
import os
import secrets
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol, cast

import orjson

from ollama_rx.embedded.api_error import ApiError
from ollama_rx.errors import EmbeddedModelError

SLOTS = 2  # answers computed at the same time; further requests wait
CONTEXT_TOKENS = 2048  # for one slot, shared by prompt and answer

# llama.cpp checks for cancellation only between two batches. A batch of 16 prompt tokens takes 0.1 s on one
# thread (512: 2.3 s) and reads prompts 20 % slower than the default.
_BATCH_TOKENS = 16
_MAX_THREADS = 4
_SILENT = -1
_CALL_SECONDS = 60.0

EngineEvent = dict[str, object]


class _Server(Protocol):
    listening_address: str

    def handle_completions(
        self, request: Mapping[str, object], callback: Callable[[EngineEvent], bool], /
    ) -> object: ...


class _CpuParams(Protocol):
    n_threads: int
    poll: int


class _ModelParams(Protocol):
    path: str


class _CommonParams(Protocol):
    model: _ModelParams
    cpuparams: _CpuParams
    cpuparams_batch: _CpuParams
    api_keys: list[str]


class _Xllamacpp(Protocol):
    def CommonParams(self) -> _CommonParams: ...  # noqa: N802 - its name
    def Server(self, parameters: _CommonParams, /) -> _Server: ...  # noqa: N802 - its name


def require_engine() -> None:
    """Raise EmbeddedModelError unless xllamacpp is installed, without importing it."""
    if find_spec("xllamacpp") is None:
        raise EmbeddedModelError('the embedded model needs an extra: pip install "ollama-rx[embedded]"')


class Engine:
    """A model in memory. All calls block and may come from any thread; `close` frees the memory.

    Loading (0.2 s for SmolLM2) holds the GIL and so blocks all other threads: xllamacpp's constructor does
    not release it. All other calls do.

    xllamacpp always opens an HTTP port too. It is a free port of the loopback interface, protected by a
    random key, and is used for what its Python object does not offer: rendering templates and tokenizing.
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
        # Closing a server before its loop has started hangs forever while holding the GIL, because the loop
        # resets the flag that asks it to stop (seen with xllamacpp 2026.10). One answer proves that it runs.
        self.complete({"prompt": [0], "max_tokens": 0}, lambda _: False)

    def render(self, messages: Sequence[Mapping[str, object]]) -> str:
        """Turn chat messages into the model's prompt, ready for its answer."""
        return cast(str, self._call("/apply-template", {"messages": messages})["prompt"])

    def tokenize(self, text: str, *, start: bool, special: bool) -> list[int]:
        """Turn text into token ids; ``start`` adds the start token, ``special`` recognises special tokens."""
        body = {"content": text, "add_special": start, "parse_special": special}
        return cast("list[int]", self._call("/tokenize", body)["tokens"])

    def complete(self, request: Mapping[str, object], on_event: Callable[[EngineEvent], bool]) -> None:
        """Compute an answer; ``on_event`` receives each event and returns True to stop the computation.

        It is also called between the batches of the prompt. If it raises, the computation stops and the
        exception is raised here.
        """
        raised: list[BaseException] = []

        def guarded(event: EngineEvent) -> bool:
            try:
                return on_event(event)
            except BaseException as error:  # noqa: BLE001 - xllamacpp would swallow it; raised below
                raised.append(error)
                return True

        self._server.handle_completions({**request, "stream": True, "return_progress": True}, guarded)
        if raised:
            raise raised[0]

    def close(self) -> None:
        """Stop llama.cpp's threads and free the memory; no call may be running, and none may follow."""
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
            raise to_api_error(answer)
        return answer


def to_api_error(event: Mapping[str, object]) -> ApiError:
    """Translate llama.cpp's error object into an `ApiError`."""
    error = cast("Mapping[str, object]", event["error"])
    return ApiError(cast(int, error.get("code", 500)), str(error.get("message", "")))


def _parameters(xllamacpp: _Xllamacpp, path: Path, key: str) -> _CommonParams:
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(path)
    parameters.api_keys = [key]
    # On two busy cores, two threads reach a tenth of the speed of one because they spin at barriers.
    threads = max(1, min(_MAX_THREADS, (os.cpu_count() or 1) - 1))
    for pool in (parameters.cpuparams, parameters.cpuparams_batch):
        pool.n_threads = threads
        pool.poll = 0
    settings = {
        "n_ctx": SLOTS * CONTEXT_TOKENS,
        "n_parallel": SLOTS,
        "n_batch": _BATCH_TOKENS,
        "n_ubatch": _BATCH_TOKENS,
        "ctx_shift": False,  # an answer ends at the limit of the context instead of continuing forever
        "cache_ram_mib": 0,  # by default llama.cpp keeps up to 8 GB of old prompts
        "fit_params": False,  # a trial run that fits the model to graphics cards; it doubles the loading time
        "port": 0,
        "n_threads_http": SLOTS,
        _web_page_option(parameters): False,
        "warmup": False,
        "verbosity": _SILENT,
    }
    for name, value in settings.items():
        setattr(parameters, name, value)
    return parameters


def _web_page_option(parameters: _CommonParams) -> str:
    """Return the name of the option for llama.cpp's web page, which was renamed in 2026."""
    return "ui" if hasattr(parameters, "ui") else "webui"
