"""The same pipelines in asyncio: `async for`, `await`, and two answers at once, all on one loop."""

import asyncio

from ollama_rx import Client, deliver, iterate
from ollama_rx import operators as op
from ollama_rx.sinks import Collector


async def words(client: Client, prompt: str) -> list[str]:
    """Collect an answer's words."""
    found = Collector[str]()
    await deliver(client.generate(prompt).pipe(op.text(), op.split_words()), found)
    return found.items


async def main() -> None:
    """Run two at once, then one in a loop."""
    async with Client(model="llama3.2") as client:
        print(await asyncio.gather(words(client, "Name two trees."), words(client, "Name two birds.")))
        async for chunk in iterate(client.generate("Count to three.")):
            print(repr(chunk.text))
            if "two" in chunk.text:
                break  # leaving the loop closes the request


asyncio.run(main())
