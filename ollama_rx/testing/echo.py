"""What the fake server does without a script: repeat the prompt, and answer plausibly in one shot."""

import re
from typing import cast

from ollama_rx.testing.catalogue import PROGRESS, SHOWN, embeddings, look_up
from ollama_rx.testing.record import Request
from ollama_rx.testing.reply import Reply, error_status, json_reply, text_reply
from ollama_rx.testing.script import answer, loaded, progress


def reply_to(request: Request) -> Reply:
    """Answer any request that no script answers."""
    if request.path.startswith("/api/blobs/"):
        return text_reply("", status=201 if request.method == "POST" else 404)
    methods = _METHODS.get(request.path)
    if methods is None:
        return text_reply("404 page not found", status=404)
    if request.method not in methods:
        return text_reply("405 method not allowed", status=405)
    if request.method in ("GET", "HEAD"):
        return look_up(request.path)
    if not request.json:
        problem = "invalid character in request body" if request.body else "missing request body"
        return error_status(400, problem)
    return _do(request)


_METHODS = {
    "/": ("GET", "HEAD"),
    "/api/version": ("GET", "HEAD"),
    "/api/tags": ("GET", "HEAD"),
    "/api/ps": ("GET",),
    "/api/copy": ("POST",),
    "/api/delete": ("DELETE",),
} | dict.fromkeys(
    [f"/api/{name}" for name in ("generate", "chat", "show", "embed", "pull", "push", "create")], ("POST",)
)


def _do(request: Request) -> Reply:
    match request.path:
        case "/api/generate" | "/api/chat":
            return _speak(request)
        case "/api/embed":
            return embeddings(request)
        case "/api/show":
            return json_reply(SHOWN)
        case "/api/copy" | "/api/delete":
            return text_reply("")
        case _:
            return progress(*PROGRESS[request.path])


def _speak(request: Request) -> Reply:
    """Say the prompt, or the last message, word by word; `num_predict` is obeyed, the context grows."""
    chat = request.path == "/api/chat"
    prompt = _last_message(request) if chat else request.json.get("prompt", "")
    if not request.json.get("model"):
        return error_status(400, "model is required") if chat else error_status(404)
    if not prompt:
        return loaded("unload" if request.json.get("keep_alive") == 0 else "load")
    words = re.findall(r"\s*\S+|\s+$", str(prompt))
    limit = _object(request.json.get("options")).get("num_predict")
    said = words[:limit] if isinstance(limit, int) and limit >= 0 else words
    context = [*_list(request.json.get("context")), *map(len, words)]
    return answer(
        *said,
        context=[number for number in context if isinstance(number, int)],
        done_reason="length" if len(said) < len(words) else "stop",
    )


def _last_message(request: Request) -> object:
    messages = _list(request.json.get("messages"))
    return _object(messages[-1]).get("content", "") if messages else ""


def _object(value: object) -> dict[str, object]:
    return cast(dict[str, object], value) if isinstance(value, dict) else {}


def _list(value: object) -> list[object]:
    return cast(list[object], value) if isinstance(value, list) else []
