"""The engine for servers with OpenAI's endpoint for speech.

Source: https://platform.openai.com/docs/api-reference/audio/createSpeech
"""

import asyncio
import os
import re
from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Literal, Protocol, cast

import httpx
import orjson

from ollama_rx.arguments import as_items, check_between, check_choice, check_seconds, check_text, wrong_value
from ollama_rx.errors import excerpt
from ollama_rx.speech.audio import BYTES_PER_SAMPLE, Audio
from ollama_rx.speech.engines._speech_engine import SpeechEngine
from ollama_rx.speech.engines.clean_text import clean_text
from ollama_rx.speech.engines.private_loop import PrivateLoop
from ollama_rx.speech.engines.wav_header import SampleReader, check_format

_PATH = "/audio/speech"
_OPENAI = "https://api.openai.com"
_RAW_RATE = 24_000  # of response_format "pcm": https://platform.openai.com/docs/guides/text-to-speech
_SLOWEST, _FASTEST = 0.25, 4.0
_VERSION_AT_END = re.compile(r"/v\d+$")
_RATE_IN_TYPE = re.compile(r";\s*rate=(\d{4,6})\b")  # as in "audio/pcm;rate=22050" of openedai-speech
_COMPRESSED = re.compile(r"(audio|video)/(x-)?(mpeg|mp3|mp4|m4a|ogg|opus|flac|aac|webm)\b")
_CONNECT_TIMEOUT = 10.0  # seconds
_MAX_REASON = 65_536  # bytes of an error that are read

_ADVICE = {
    400: "the model or the voice may be unknown to the server",
    401: "pass the server's key as key=",
    403: "the key does not allow this",
    404: "check the url, the model and the voice",
    405: "check the url",
    422: "the model or the voice may be unknown to the server",
    429: "too many requests, or no credit left",
}


class _Closable(Protocol):
    async def aclose(self) -> None: ...


class OpenAiEndpoint(SpeechEngine):
    """Says text with a server that has OpenAI's ``POST /v1/audio/speech``.

    Such servers are OpenAI itself, Kokoro-FastAPI, LocalAI, openedai-speech, vLLM and many others. The times
    of words are not known. A text whose synthesis is stopped ends without the rest of its audio.

    ``url`` is the address of the server ("http://127.0.0.1:8880"), with or without ``/v1`` or the whole path.
    ``model`` and ``voice`` are names that the server knows. ``speed`` is a factor from 0.25 to 4.

    ``key`` is sent to that host only: a redirect is an error and not followed. For https://api.openai.com the
    default is the variable OPENAI_API_KEY.

    ``timeout`` is the number of seconds for which the server may send nothing. ``response_format`` is what
    is asked for: "pcm" are samples, at OpenAI's rate of 24,000 unless the type of the answer names another
    one; the header of a "wav" says its rate. A server that answers "pcm" with a WAV file is understood too.

    ``tags`` are the names of the tags of markup that the server understands, such as ("break", "spell"); they
    are sent as they are if ``Speech(tags=)`` names them too. `Speech` leaves others out.
    """

    def __init__(
        self,
        url: str,
        *,
        model: str,
        voice: str,
        key: str | None = None,
        speed: float = 1.0,
        timeout: float = 60.0,
        response_format: Literal["pcm", "wav"] = "pcm",
        tags: Sequence[str] = (),
    ) -> None:
        for name, value in (("model", model), ("voice", voice)):
            check_text(name, value)
            if not value:
                raise wrong_value(name, "a name that the server knows", value)
        check_between("speed", speed, _SLOWEST, _FASTEST, what="a factor")
        check_seconds("timeout", timeout)
        check_choice("response_format", response_format, ("pcm", "wav"))
        self.tags = frozenset(as_items("tags", tags))
        self._url = _speech_url(url)
        self._shown_url = str(self._url.copy_with(query=None))
        self._key = _checked_key(key, self._url)
        self._body: dict[str, object] = {"model": model, "voice": voice, "response_format": response_format}
        if speed != 1:  # some models refuse the field
            self._body["speed"] = speed
        self._raw_rate = _RAW_RATE if response_format == "pcm" else None
        self._timeout = timeout
        self._loop = PrivateLoop()
        self._client: httpx.AsyncClient | None = None
        self._loaded = False

    def load(self) -> None:
        """Connect to the server; nothing is synthesised, because that may cost money.

        Raises:
            ConnectionError: the server cannot be reached.
            TimeoutError: the server does not answer.
        """
        self._loaded = self._loaded or self._loop.run(self._greet)

    def synthesize(self, text: str, /) -> Generator[Audio, None, None]:
        """Yield the audio of a text as it arrives.

        Raises:
            ConnectionError: the server cannot be reached, or closed the connection before the end.
            TimeoutError: the server has sent nothing for too long.
            RuntimeError: the server refused; the message holds its reason.
            ValueError: the answer is not audio that can be played.
        """
        return self._loop.iterate(self._pieces(text))

    def stop(self) -> None:
        """Give up the request that is being answered."""
        self._loop.stop()

    def close(self) -> None:
        """Close the connection."""
        self._loaded = False
        self._loop.close()

    async def _greet(self) -> None:
        async with self._response("HEAD") as response:  # any answer will do, such as 405
            await response.aread()  # else the connection is not kept

    async def _pieces(self, text: str) -> AsyncGenerator[Audio, None]:
        body = orjson.dumps(self._body | {"input": clean_text(text)})
        is_empty = True
        async with self._response("POST", body) as response:
            reader = SampleReader(await self._rate_of(response))
            async for data in response.aiter_bytes():
                for audio in reader.feed(data):
                    is_empty = False
                    yield audio
            reader.end()
        if is_empty:
            raise RuntimeError(f"{self._shown_url} sent no audio; check the model and the voice")

    @asynccontextmanager
    async def _response(self, method: str, body: bytes | None = None) -> AsyncGenerator[httpx.Response, None]:
        """Send a request, and say what went wrong on the way."""
        client = await self._connection()
        opened: list[_Closable] = []

        async def trace(event: str, info: Mapping[str, _Closable]) -> None:
            if event == "connection.connect_tcp.complete":
                opened.append(info["return_value"])

        request = client.build_request(method, self._url, content=body, extensions={"trace": trace})
        try:
            try:
                response = await client.send(request, stream=True)
            except (httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError):
                if opened:
                    raise
                response = await client.send(request, stream=True)  # the server has closed an idle connection
            async with aclosing(response):
                yield response
        except httpx.RequestError as error:
            raise self._failure(error) from error
        except asyncio.CancelledError:
            for connection in opened:  # httpcore 1.0 forgets a connection if its TLS handshake is cancelled
                await connection.aclose()
            raise

    async def _connection(self) -> httpx.AsyncClient:
        if self._client is None or self._client.is_closed:
            client = await asyncio.to_thread(
                self._new_client
            )  # reads certificates, which cannot be cancelled
            self._client = await self._loop.resources.enter_async_context(client)
        return self._client

    def _new_client(self) -> httpx.AsyncClient:
        headers = {"Content-Type": "application/json"}
        if self._key is not None:
            headers["Authorization"] = f"Bearer {self._key}"
        timeout = httpx.Timeout(self._timeout, connect=min(self._timeout, _CONNECT_TIMEOUT))
        return httpx.AsyncClient(headers=headers, timeout=timeout, follow_redirects=False)

    async def _rate_of(self, response: httpx.Response) -> int | None:
        """Return the rate of samples without a header, after checking that the answer is audio."""
        kind = response.headers.get("Content-Type", "").lower()
        if not response.is_success:
            raise RuntimeError(
                f"HTTP {response.status_code} from {self._shown_url}: {await self._reason(response, kind)}"
            )
        if kind.startswith(("text/", "application/json")):
            raise RuntimeError(
                f"{self._shown_url} answered with {kind} instead of audio: "
                f"{await self._reason(response, kind)}"
            )
        if _COMPRESSED.match(kind):
            raise ValueError(
                f"{self._shown_url} answered with {kind} instead of "
                f"{self._body['response_format']}; try another response_format"
            )
        said = _RATE_IN_TYPE.search(kind)
        if said is None or self._raw_rate is None:
            return self._raw_rate
        rate = int(said[1])
        check_format(rate=rate, width=BYTES_PER_SAMPLE, channels=1)
        return rate

    async def _reason(self, response: httpx.Response, kind: str) -> str:
        if response.has_redirect_location:
            target = excerpt(self._without_key(response.headers["Location"]))
            return f"a redirect to {target}, which is not followed; if that is the server, pass it as url"
        body = b""
        async for data in response.aiter_bytes():
            body += data
            if len(body) > _MAX_REASON:
                break
        text = "an HTML page" if kind.startswith("text/html") else _reason_in(body)
        advice = _ADVICE.get(response.status_code)
        reason = excerpt(self._without_key(text)) or "no reason given"
        return f"{reason}; {advice}" if advice else reason

    def _without_key(self, text: str) -> str:
        """Remove the key from what the server has said, in case it repeats it."""
        return text.replace(self._key, "…") if self._key else text

    def _failure(self, error: httpx.RequestError) -> OSError:
        reason = self._without_key(str(error)) or "no answer"
        if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.ProxyError):
            return ConnectionError(f"cannot reach {self._shown_url} ({reason}); is the server running?")
        if isinstance(error, httpx.TimeoutException):
            return TimeoutError(f"{self._shown_url} sent nothing for {self._timeout:g} s; see timeout=")
        return ConnectionError(f"{self._shown_url} broke off before the end of the audio ({reason})")


def _speech_url(url: str) -> httpx.URL:
    check_text("url", url)
    expected = "a URL such as 'http://127.0.0.1:8880'"
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise ValueError(f"url: expected {expected}; {error}") from error
    if parsed.userinfo:  # not shown: it may be a password
        raise ValueError(f"url: expected {expected}, without a user and a password; a key is passed as key=")
    if parsed.scheme not in {"http", "https"} or not parsed.host:
        raise wrong_value("url", expected, url)
    path = parsed.path.rstrip("/")
    if not path.endswith(_PATH):
        path += _PATH if _VERSION_AT_END.search(path) else f"/v1{_PATH}"
    return parsed.copy_with(path=path, fragment=None)


def _checked_key(key: str | None, url: httpx.URL) -> str | None:
    """Return the key without white space around it; no message shows it."""
    if key is None and f"{url.scheme}://{url.netloc.decode()}" == _OPENAI:
        key = os.environ.get("OPENAI_API_KEY")
    if key is None:
        return None
    check_text("key", key)
    key = key.strip()
    if not (key.isascii() and key.isprintable()):
        raise ValueError("key: expected printable ASCII characters only")
    return key or None


def _reason_in(body: bytes) -> str:
    """Return what an error says: the innermost text of the fields in which servers put it, else all of it."""
    try:
        value: object = orjson.loads(body)
    except orjson.JSONDecodeError:
        return " ".join(body.decode("utf-8", "replace").split())
    while isinstance(value, dict):
        fields = cast("dict[str, object]", value)
        inner = next((fields[name] for name in ("message", "error", "detail") if fields.get(name)), None)
        if inner is None:
            break
        value = inner
    return value if isinstance(value, str) else orjson.dumps(value).decode()
