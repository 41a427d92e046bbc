"""A web app that sends sentences as server-sent events; the model stops when the browser disconnects."""

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ollama_rx import Client
from ollama_rx import operators as op
from ollama_rx.web import sse_response

client = Client(model="llama3.2")


async def ask(request: Request) -> Response:
    """Answer /ask?prompt=..."""
    answer = client.generate(request.query_params["prompt"])
    return sse_response(answer.pipe(op.text(), op.split_sentences()))


app = Starlette(routes=[Route("/ask", ask)])

if __name__ == "__main__":
    uvicorn.run(app, port=8000)
