"""Test tools: ask the embedded model and read its answers."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import httpx
import orjson

from ollama_rx.embedded import embedded

URL = "http://127.0.0.1:11434"
Line = dict[str, object]


@dataclass(frozen=True, slots=True)
class Answer:
    """The response to one request."""

    status: int
    content_type: str
    content: bytes

    @property
    def lines(self) -> list[Line]:
        return [cast(Line, orjson.loads(line)) for line in self.content.split(b"\n") if line]

    @property
    def text(self) -> str:
        return "".join(piece_of(line) for line in self.lines)


def piece_of(line: Line) -> str:
    message = cast("dict[str, str] | None", line.get("message"))
    return cast(str, line["response"]) if message is None else message["content"]


class Model:
    """Asks the embedded model, each time through a new transport on a new event loop."""

    def __init__(self, weights: Path) -> None:
        self.weights = weights

    def connect(self, *, any_name: bool = True) -> httpx.AsyncClient:
        transport = embedded(self.weights, any_name=any_name)
        return httpx.AsyncClient(transport=transport, base_url=URL, timeout=None)  # noqa: S113 - no network

    def ask(self, path: str, body: object = None, *, method: str = "POST", any_name: bool = True) -> Answer:
        async def send() -> Answer:
            async with self.connect(any_name=any_name) as client:
                content = body if isinstance(body, bytes) else orjson.dumps(body)
                reply = await client.request(method, path, content=content)
                return Answer(reply.status_code, reply.headers["content-type"], reply.content)

        return asyncio.run(send())

    def generate(self, prompt: str, **fields: object) -> Answer:
        return self.ask("/api/generate", {"prompt": prompt, **fields})

    def chat(self, *texts: str, **fields: object) -> Answer:
        roles = ("user", "assistant")
        messages = [{"role": roles[n % 2], "content": text} for n, text in enumerate(texts)]
        return self.ask("/api/chat", {"messages": messages, **fields})


def figure(line: Line, name: str) -> int:
    """Return a number of the last line."""
    return cast(int, line[name])


def models(answer: Answer) -> list[dict[str, object]]:
    """Return the models listed by `tags` or `ps`."""
    (reply,) = answer.lines
    return cast("list[dict[str, object]]", reply["models"])


def numbers(line: Line, name: str) -> list[int]:
    """Return a list of numbers of the last line."""
    return cast("list[int]", line[name])
