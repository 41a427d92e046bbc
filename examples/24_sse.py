"""Answers that any number of browsers follow: they join late, come back, and may stop them."""

from secrets import token_urlsafe

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ollama_rx import Client
from ollama_rx.web import Replay, sse_response

client = Client(model="llama3.2")
answers: dict[str, Replay] = {}


async def begin(request: Request) -> Response:
    """POST /answers?prompt=... begins an answer; the model stops when nobody has read it for 30 seconds."""
    name = token_urlsafe()
    answers[name] = Replay(grace=30)
    answers[name].start(client.generate(request.query_params["prompt"]))
    return JSONResponse({"url": f"/answers/{name}"}, 201)


async def follow(request: Request) -> Response:
    """GET the url with `new EventSource(url)`, as often as you like; DELETE stops the answer."""
    replay = answers[request.path_params["name"]]
    if request.method == "DELETE":
        replay.stop()
        return Response(status_code=204)
    return sse_response(replay=replay)


one = Route("/answers/{name}", follow, methods=["GET", "DELETE"])
app = Starlette(routes=[Route("/answers", begin, methods=["POST"]), one])

if __name__ == "__main__":
    uvicorn.run(app, port=8000)
