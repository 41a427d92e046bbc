"""The page's HTTP interface: conversations, answers, their events, the voice. All bodies are JSON."""

import asyncio
import binascii
from base64 import b64decode
from collections.abc import Awaitable, Callable, Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final, cast

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from ollama_rx.chunks import Message
from ollama_rx.errors import OllamaError
from ollama_rx.protocol.json_fields import JsonObject
from ollama_rx.web.page.answers import AnswerRunsError, Answers, RunningAnswer, TooManyAnswersError
from ollama_rx.web.page.conversation_store import (
    ChangedElsewhereError,
    ConversationStore,
    StoredConversation,
    StoredMessage,
    StoredTurn,
    UnknownConversationError,
)
from ollama_rx.web.page.message_json import answering_json, image_type, message_json, summary_json
from ollama_rx.web.page.server_state import ServerState
from ollama_rx.web.sse_response import sse_response

STATIC: Final = Path(__file__).parent / "static"

_MOST_TEXT = 1_000_000  # characters of a prompt
_MOST_TITLE = 200  # characters

_STATUS: Final[dict[type[Exception], int]] = {
    UnknownConversationError: 404,
    ChangedElsewhereError: 409,
    AnswerRunsError: 409,
    TooManyAnswersError: 503,
}


class PageApi:
    """The routes of the page, for one store and one client.

    Args:
        store: keeps the conversations.
        answers: those that are being written.
        state: what is known of the server of models.
        voice: serves the WebSocket of a voice; None if the page has no voice.
        voice_problem: why there is none.
    """

    def __init__(
        self,
        store: ConversationStore,
        answers: Answers,
        state: ServerState,
        voice: Callable[[WebSocket], Awaitable[None]] | None,
        voice_problem: str | None,
    ) -> None:
        self._store = store
        self._answers = answers
        self._state = state
        self._voice = voice
        self._voice_problem = voice_problem

    @property
    def routes(self) -> list[BaseRoute]:
        """All routes."""
        one = "/api/conversations/{id}"
        routes: list[BaseRoute] = [
            Route("/", _index),
            Mount("/static", StaticFiles(directory=STATIC, check_dir=False)),
            Route("/api/state", self.state),
            Route("/api/conversations", self.list, methods=["GET"]),
            Route("/api/conversations", self.create, methods=["POST"]),
            Route(one, self.read, methods=["GET"]),
            Route(one, self.rename, methods=["PATCH"]),
            Route(one, self.delete, methods=["DELETE"]),
            Route(f"{one}/answers", self.answer, methods=["POST"]),
            Route(f"{one}/retry", self.retry, methods=["POST"]),
            Route(f"{one}/stop", self.stop, methods=["POST"]),
            Route(f"{one}/events", self.events, methods=["GET"]),
        ]
        if self._voice is not None:
            routes.append(WebSocketRoute(f"{one}/voice", self._voice))
        return routes

    async def state(self, _: Request) -> Response:
        """Return what the page shows around the conversations."""
        found = {
            "voice": self._voice is not None,
            "voice_problem": self._voice_problem,
            "version": _version(),
        }
        return _json({**await self._state.read(), **found})

    async def list(self, request: Request) -> Response:
        """Return the list of conversations."""
        search = request.query_params.get("search", "")
        found = await asyncio.to_thread(self._store.summaries, search)
        return _json([summary_json(one, is_answering=self._answers.get(one.id) is not None) for one in found])

    async def create(self, request: Request) -> Response:
        """Make a conversation."""
        model = _text(await _body(request), "model", default=None)
        return _json({"id": await asyncio.to_thread(self._store.create, model)}, 201)

    async def read(self, request: Request) -> Response:
        """Return a conversation; an answer that is being written is beside its messages."""
        found, answer = await self._read(request.path_params["id"])
        if answer is None or answer.turn.version != found.version:  # another process has begun another one
            messages, answering = found.messages, None
        else:
            messages, answering = found.messages[: answer.turn.position + 1], answering_json(answer)
        shown = await asyncio.to_thread(_messages_json, messages)
        fields = {"id": found.id, "title": found.title, "model": found.model, "version": found.version}
        return _json({**fields, "messages": shown, "answering": answering})

    async def _read(self, id_: str) -> tuple[StoredConversation, RunningAnswer | None]:
        """Return a conversation and the answer that is being written in it, as of the same moment."""
        while True:
            answer = self._answers.get(id_)
            if answer is not None and answer.replay.is_over:
                await answer.end()  # it is being saved
                continue
            found = await asyncio.to_thread(self._store.read, id_)
            if self._answers.get(id_) is answer and (answer is None or not answer.replay.is_over):
                return found, answer

    async def rename(self, request: Request) -> Response:
        """Change the title."""
        title = _text(await _body(request), "title", most=_MOST_TITLE)
        await asyncio.to_thread(self._store.rename, request.path_params["id"], title)
        return Response(status_code=204)

    async def delete(self, request: Request) -> Response:
        """Remove a conversation."""
        id_ = request.path_params["id"]
        await self._answers.stop(id_)
        await asyncio.to_thread(self._store.delete, id_)
        return Response(status_code=204)

    async def answer(self, request: Request) -> Response:
        """Send a prompt, at the end of the conversation or in the place of an earlier one."""
        body = await _body(request)
        text = _text(body, "text", most=_MOST_TEXT)
        images = _images(body)
        if not text.strip() and not images:
            raise HTTPException(400, "The message is empty.")
        user = Message("user", text, images=images)
        return await self._begin(request, body, user, _whole(body, "position"))

    async def retry(self, request: Request) -> Response:
        """Ask the last prompt again."""
        body = await _body(request)
        found = await asyncio.to_thread(self._store.read, request.path_params["id"])
        prompts = [at for at, one in enumerate(found.messages) if one.message.role == "user"]
        if not prompts:
            raise ChangedElsewhereError
        at = prompts[-1]
        return await self._begin(request, {"version": found.version, **body}, found.messages[at].message, at)

    async def _begin(
        self, request: Request, body: Mapping[str, Any], user: Message, position: int
    ) -> Response:
        model = _text(body, "model")
        if not model:
            raise HTTPException(400, "No model is chosen.")
        turn: StoredTurn = await self._answers.begin(
            request.path_params["id"],
            user,
            position=position,
            model=model,
            think=_flag(body, "think"),
            version=_text(body, "version", default=None),
        )
        return _json({"position": turn.position, "version": turn.version}, 202)

    async def stop(self, request: Request) -> Response:
        """Stop the answer; what has arrived is kept."""
        await self._answers.stop(request.path_params["id"])
        return Response(status_code=204)

    async def events(self, request: Request) -> "Response | _Reading":
        """Send the events of the answer that is being written; nothing if there is none."""
        answer = self._answers.get(request.path_params["id"])
        return Response(status_code=204) if answer is None else _Reading(answer)


class _Reading:
    """The response with the events of an answer, which goes on while somebody reads them."""

    def __init__(self, answer: RunningAnswer) -> None:
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._answer.reading():
            await sse_response(replay=self._answer.replay)(scope, receive, send)


async def show_error(_: Request, error: Exception) -> Response:
    """Answer a request that has failed: with the sentence of an error that was written for users."""
    if isinstance(error, HTTPException):
        return _json({"error": error.detail}, error.status_code, error.headers)
    if isinstance(error, OllamaError):
        return _json({"error": str(error)}, _STATUS.get(type(error), 500))
    return _json({"error": "The server has failed; its log says why."}, 500)


ERROR_HANDLERS: Final[Mapping[Any, Callable[[Request, Exception], Awaitable[Response]]]] = {
    HTTPException: show_error,
    OllamaError: show_error,
    Exception: show_error,
}


async def _index(_: Request) -> Response:
    return FileResponse(STATIC / "index.html", headers={"cache-control": "no-cache"})


def _messages_json(messages: Iterable[StoredMessage]) -> list[JsonObject]:
    return [message_json(message, position) for position, message in enumerate(messages)]


def _version() -> str:
    try:
        return version("ollama-rx")
    except PackageNotFoundError:
        return ""


def _json(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    more = {"cache-control": "no-store", **(headers or {})}
    return Response(orjson.dumps(value), status, more, media_type="application/json")


async def _body(request: Request) -> Mapping[str, Any]:
    try:
        found: object = orjson.loads(await request.body() or b"{}")
    except ValueError as error:
        raise HTTPException(400, "The request is not JSON.") from error
    if not isinstance(found, dict):
        raise HTTPException(400, "The request is not a JSON object.")
    return cast("dict[str, Any]", found)


_REQUIRED: Final = object()


def _text(body: Mapping[str, Any], name: str, *, default: Any = _REQUIRED, most: int = 1000) -> Any:
    """Return a field that is text; null and a missing one are the default, if there is one."""
    value = body.get(name)
    if value is None and default is not _REQUIRED:
        return default
    if not isinstance(value, str):
        raise HTTPException(400, f"{name!r} must be text.")
    if len(value) > most:
        raise HTTPException(400, f"{name!r} is too long; at most {most} characters fit.")
    return value


def _flag(body: Mapping[str, Any], name: str) -> bool:
    value = body.get(name, False)
    if not isinstance(value, bool):
        raise HTTPException(400, f"{name!r} must be true or false.")
    return value


def _whole(body: Mapping[str, Any], name: str) -> int:
    value = body.get(name)
    if isinstance(value, bool) or not isinstance(value, int):
        raise HTTPException(400, f"{name!r} must be a whole number.")
    return value


def _images(body: Mapping[str, Any]) -> tuple[bytes, ...]:
    """Return the images, decoded here: text that is not base64 must never be opened as a path."""
    texts: object = body.get("images") or []
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in cast("list[object]", texts)):
        raise HTTPException(400, "'images' must be a list of base64 texts.")
    try:
        images = tuple(b64decode(text, validate=True) for text in cast("list[str]", texts))
    except (binascii.Error, ValueError) as error:
        raise HTTPException(400, "An image is not base64.") from error
    if not all(map(image_type, images)):
        raise HTTPException(400, "Only PNG, JPEG, GIF and WebP images can be attached.")
    return images
