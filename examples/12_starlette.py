"""A web app that sends sentences as server-sent events; the model stops when the browser disconnects."""

import json
from collections.abc import AsyncIterator

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route

from ollama_rx import Client, iterate
from ollama_rx import operators as op

client = Client(model="llama3.2")


async def sentences(prompt: str) -> AsyncIterator[str]:
    """Yield each sentence as one event; closing this generator closes the request."""
    stream = client.generate(prompt).pipe(op.text(), op.split_sentences())
    async with aiter(iterate(stream)) as items:
        async for sentence in items:
            yield f"data: {json.dumps(sentence)}\n\n"
    yield "event: end\ndata:\n\n"


async def ask(request: Request) -> StreamingResponse:
    """Answer /ask?prompt=..."""
    events = sentences(request.query_params["prompt"])
    return StreamingResponse(events, media_type="text/event-stream")


app = Starlette(routes=[Route("/ask", ask)])

if __name__ == "__main__":
    uvicorn.run(app, port=8000)
