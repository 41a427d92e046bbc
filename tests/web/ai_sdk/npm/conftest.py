"""A web app whose answers a test gives, and a page with the AI SDK that uses it."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.web.ai_sdk.npm.node_page import NodePage, installed_sdk

SDKS = ("ai5-first", "ai5", "ai6-first", "ai6", "ai7")


@dataclass
class ChatApp:
    """Answers POST /chat and GET /chat/{id}/stream with what the functions of the test return."""

    api: str = ""
    answer: Callable[[Any], Response] = lambda _: Response(status_code=404)
    resume: Callable[[str], Response] = lambda _: Response(status_code=204)

    async def post(self, request: Request) -> Response:
        """Answer a message."""
        return self.answer(await request.json())

    async def get(self, request: Request) -> Response:
        """Go on with an answer."""
        return self.resume(request.path_params["chat"])

    def asgi(self) -> Starlette:
        """Return the application."""
        return Starlette(
            routes=[
                Route("/chat", self.post, methods=["POST"]),
                Route("/chat/{chat}/stream", self.get),
            ]
        )


@pytest.fixture
def app(served_app: ChatApp) -> ChatApp:
    """Return the app without an answer of an earlier test."""
    served_app.answer, served_app.resume = ChatApp.answer, ChatApp.resume
    return served_app


@pytest.fixture(scope="session")
def served_app() -> Iterator[ChatApp]:
    """Serve an app with httptools, which the extra `web` brings."""
    chat_app = ChatApp()
    config = uvicorn.Config(chat_app.asgi(), log_level="critical", lifespan="off", http="httptools")
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listening:  # listens already, so no wait is needed
        chat_app.api = f"http://127.0.0.1:{listening.getsockname()[1]}/chat"
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([listening])))
        thread.start()
        yield chat_app
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="session")
def node() -> Iterator[NodePage]:
    """Run Node once for all tests: the SDK takes a second to load."""
    page = NodePage(installed_sdk())
    yield page
    page.close()


@pytest.fixture(params=SDKS)
def use_chat(request: pytest.FixtureRequest, node: NodePage, app: ChatApp) -> Callable[..., Any]:
    """Run a command of `use_chat.mjs` with one version of the SDK."""

    def run(do: str, text: str = "Hi", **command: object) -> Any:
        return node.run(do, sdk=request.param, api=app.api, text=text, **command)

    return run
