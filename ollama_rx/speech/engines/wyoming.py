"""The engine for servers that speak Wyoming, the protocol of Home Assistant's voices.

Source: https://github.com/OHF-Voice/wyoming
"""

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from ollama_rx.arguments import check_seconds, check_text, wrong_value
from ollama_rx.errors import excerpt
from ollama_rx.speech.audio import Audio
from ollama_rx.speech.engines._speech_engine import SpeechEngine
from ollama_rx.speech.engines.clean_text import clean_text
from ollama_rx.speech.engines.private_loop import PrivateLoop
from ollama_rx.speech.engines.wav_header import SampleReader, check_format

if TYPE_CHECKING:
    from wyoming.event import Event
    from wyoming.info import Info

_PORT = 10_200  # of wyoming-piper
_CONNECT_TIMEOUT = 10.0  # seconds
_SHOWN_VOICES = 5
_MALFORMED = (AttributeError, KeyError, TypeError)  # what the package raises for JSON that is not an event

T = TypeVar("T")


class Wyoming(SpeechEngine):
    """Says text with a Wyoming server, such as wyoming-piper (needs the extra ``wyoming``).

    ``url`` is "tcp://host:port" (without a port: 10200) or "unix:///path/of/the/socket". ``voice`` is the
    name of one of the server's voices; by default the server chooses. ``timeout`` is the number of seconds
    for which the server may send nothing. The times of words are not known.

    Each text has a connection of its own. A text whose synthesis is stopped ends without the rest of its
    audio.

    Raises:
        ImportError: the extra is not installed.
    """

    def __init__(
        self, url: str = f"tcp://127.0.0.1:{_PORT}", *, voice: str | None = None, timeout: float = 60.0
    ) -> None:
        if find_spec("wyoming") is None:
            raise ImportError('Wyoming needs wyoming: pip install "ollama-rx[wyoming]"')
        if voice is not None:
            check_text("voice", voice)
        check_seconds("timeout", timeout)
        self._address = _address(url)
        self._url = url
        self._voice = voice
        self._timeout = timeout
        self._loop = PrivateLoop()
        self._loaded = False

    def load(self) -> None:
        """Let the server say something, because many load a voice when it is first used.

        Raises:
            ValueError: it is not a Wyoming server for speech, or does not have the voice.
            ConnectionError: as in `synthesize`; so are the other errors.
        """
        self._loaded = self._loaded or self._loop.run(self._warm_up)

    def synthesize(self, text: str, /) -> Generator[Audio, None, None]:
        """Yield the audio of a text as it arrives.

        Raises:
            ConnectionError: the server cannot be reached, or closed the connection before the end.
            TimeoutError: the server has sent nothing for too long.
            RuntimeError: the server failed; the message holds its reason.
            ValueError: what it sends is not audio that can be played.
        """
        return self._loop.iterate(self._pieces(text))

    def stop(self) -> None:
        """Close the connection of the text that is being said."""
        self._loop.stop()

    def close(self) -> None:
        """Release the event loop."""
        self._loop.close()

    async def _warm_up(self) -> None:
        programs = (await self._info()).tts
        if not programs:
            raise ValueError(f"{self._url} is a Wyoming server without text-to-speech; check the port")
        try:
            async for audio in self._pieces("a"):
                self.rate = audio.rate
        except RuntimeError as error:
            # Only now: a voice may have names that are not in the list.
            voices = sorted({voice.name for program in programs for voice in program.voices})
            if self._voice is None or not voices or self._voice in voices:
                raise
            shown = ", ".join(voices[:_SHOWN_VOICES]) + (", …" if len(voices) > _SHOWN_VOICES else "")
            message = f"{self._url} does not have the voice {excerpt(repr(self._voice))}; it has {shown}"
            raise ValueError(message) from error

    async def _info(self) -> "Info":
        from wyoming.info import Describe, Info  # noqa: PLC0415 - an extra

        async with self._connected(Describe().event()) as connection:
            while not Info.is_type((event := await self._next_event(connection)).type):
                pass
        return self._parsed(Info.from_event, event)

    async def _pieces(self, text: str) -> AsyncGenerator[Audio, None]:
        from wyoming.audio import AudioChunk, AudioStop  # noqa: PLC0415 - an extra
        from wyoming.tts import Synthesize, SynthesizeVoice  # noqa: PLC0415

        voice = None if self._voice is None else SynthesizeVoice(name=self._voice)
        request = Synthesize(text=clean_text(text), voice=voice).event()
        reader: SampleReader | None = None
        async with self._connected(request) as connection:
            while not AudioStop.is_type((event := await self._next_event(connection)).type):
                if AudioChunk.is_type(event.type):
                    chunk = self._parsed(AudioChunk.from_event, event)
                    check_format(rate=chunk.rate, width=chunk.width, channels=chunk.channels)
                    reader = reader or SampleReader(chunk.rate)
                    reader.set_rate(chunk.rate)
                    for audio in reader.feed(chunk.audio):
                        yield audio
        if reader is None:
            raise RuntimeError(f"{self._url} sent no audio")
        reader.end()

    @asynccontextmanager
    async def _connected(self, request: "Event") -> AsyncGenerator[StreamReader, None]:
        """Connect and send a request."""
        from wyoming.event import async_write_event  # noqa: PLC0415 - an extra

        try:
            async with asyncio.timeout(min(self._timeout, _CONNECT_TIMEOUT)):
                connection, writer = await self._open_connection()
        except OSError as error:
            reason = error.strerror or str(error) or "no answer"
            raise ConnectionError(f"cannot reach {self._url} ({reason}); is the server running?") from error
        try:
            await self._wait(async_write_event(request, writer))
            yield connection
        finally:
            writer.transport.abort()  # without waiting for a server that does not read

    async def _open_connection(self) -> tuple[StreamReader, StreamWriter]:
        if isinstance(self._address, str):
            return await asyncio.open_unix_connection(self._address)
        return await asyncio.open_connection(*self._address)

    async def _next_event(self, connection: StreamReader) -> "Event":
        from wyoming.error import Error  # noqa: PLC0415 - an extra
        from wyoming.event import async_read_event  # noqa: PLC0415

        event = await self._wait(async_read_event(connection))
        if event is None and connection.at_eof():
            raise ConnectionError(f"{self._url} closed the connection before the end of the audio")
        if event is None:
            raise ValueError(f"{self._url} does not speak Wyoming; check the port")
        if Error.is_type(event.type):
            error = self._parsed(Error.from_event, event)
            raise RuntimeError(f"{self._url} failed: {excerpt(str(error.text))}")
        return event

    async def _wait(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Wait for the server, and say what went wrong."""
        try:
            async with asyncio.timeout(self._timeout):
                return await coroutine
        except TimeoutError as error:
            raise TimeoutError(f"{self._url} sent nothing for {self._timeout:g} s; see timeout=") from error
        except (EOFError, OSError) as error:
            raise ConnectionError(f"{self._url} closed the connection before the end of the audio") from error
        except _MALFORMED as error:
            raise ValueError(f"{self._url} does not speak Wyoming; check the port") from error

    def _parsed(self, parse: Callable[["Event"], T], event: "Event") -> T:
        try:
            return parse(event)
        except _MALFORMED as error:
            raise ValueError(f"{self._url} sent a {event.type!r} event without what belongs in it") from error


def _address(url: str) -> str | tuple[str, int]:
    """Return the path of a socket, or a host and a port."""
    check_text("url", url)
    expected = f"a URL such as 'tcp://127.0.0.1:{_PORT}' or 'unix:///run/piper.sock'"
    try:
        parsed = urlsplit(url)
        port = parsed.port or _PORT
    except ValueError as error:
        raise wrong_value("url", expected, url) from error
    if parsed.scheme == "tcp" and parsed.hostname:
        return parsed.hostname, port
    if parsed.scheme == "unix" and parsed.path and hasattr(asyncio, "open_unix_connection"):
        return parsed.path
    raise wrong_value("url", expected, url)
