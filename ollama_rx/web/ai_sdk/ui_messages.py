"""Read the messages that the AI SDK's `useChat` sends."""

import base64
import json
from collections.abc import Callable, Iterator, Sequence
from urllib.parse import unquote

from ollama_rx.arguments import wrong_value
from ollama_rx.chunks import Message, ToolCall
from ollama_rx.protocol.json_fields import JsonObject, object_of, objects_of, text_of
from ollama_rx.protocol.lenient_json import make_whole


def messages_from_ui(body: object, /) -> tuple[Message, ...]:
    r"""Return the messages in the body that `useChat` posts, for `Client.chat` or a `Conversation`.

    ::

        *history, prompt = messages_from_ui(await request.json())
        talk = Conversation(client, tools=tools, messages=history)
        return ui_message_response(talk.say(prompt.content, images=prompt.images, tool_results=True))

    Text, reasoning, tools with their results, and images as data URLs are read; a call without a result, a
    source and a ``data-`` part say nothing to a model and are left out. An answer that was stopped has
    ``cut`` set. A body with one ``message`` instead of all ``messages`` is read too.

    The browser decides what is in them: do not trust an answer, a result or a system message more than the
    user.

    >>> body = {"messages": [{"id": "1", "role": "user", "parts": [{"type": "text", "text": "Hi"}]}]}
    >>> messages_from_ui(body)[0].content
    'Hi'

    Raises:
        ValueError: the body is not what `useChat` sends, has no message, or has a file that is not an image
            in a data URL.

    Source: https://ai-sdk.dev/docs/reference/ai-sdk-core/ui-message
    """
    try:
        whole = object_of(make_whole(body))  # the JSON of a browser may hold half a character
    except RecursionError as error:
        raise ValueError("body: expected messages, got JSON that is nested too deeply") from error
    sent = objects_of(whole.get("messages")) or objects_of([whole.get("message")])
    messages = tuple(message for one in sent for message in _messages_of(one))
    if not messages:
        raise wrong_value("body", "an object with one message or more in 'messages'", body)
    return messages


def _messages_of(sent: JsonObject) -> Iterator[Message]:
    read = _READERS.get(text_of(sent.get("role")))
    if read is None:
        raise wrong_value("role", "'user', 'assistant' or 'system'", sent.get("role"))
    yield from read(objects_of(sent.get("parts")))


def _system_messages(parts: Sequence[JsonObject]) -> Iterator[Message]:
    yield Message("system", "".join(_texts(parts, "text")))


def _user_messages(parts: Sequence[JsonObject]) -> Iterator[Message]:
    images = tuple(_image(part) for part in parts if part.get("type") == "file")
    yield Message("user", "\n\n".join(_texts(parts, "text")), images=images)


def _assistant_messages(parts: Sequence[JsonObject]) -> Iterator[Message]:
    for step in _steps(parts):
        results = [result for part in step if (result := _tool_result(part)) is not None]
        answer = Message(
            "assistant",
            "".join(_texts(step, "text")),
            "".join(_texts(step, "reasoning")),
            tool_calls=tuple(call for call, _ in results),
            cut=any(part.get("state") == "streaming" for part in step),
        )
        if answer != _EMPTY_ANSWER:
            yield answer
        for call, content in results:
            yield Message("tool", content, tool_name=call.name, tool_call_id=call.id)


_EMPTY_ANSWER = Message("assistant")
_READERS: dict[str, Callable[[Sequence[JsonObject]], Iterator[Message]]] = {
    "system": _system_messages,
    "user": _user_messages,
    "assistant": _assistant_messages,
}


def _texts(parts: Sequence[JsonObject], kind: str) -> Iterator[str]:
    return (text_of(part.get("text")) for part in parts if part.get("type") == kind)


def _steps(parts: Sequence[JsonObject]) -> list[list[JsonObject]]:
    """Return the parts of each step: of each answer of the model in one turn."""
    steps: list[list[JsonObject]] = [[]]
    for part in parts:
        if part.get("type") == "step-start":
            steps.append([])
        else:
            steps[-1].append(part)
    return steps


def _tool_result(part: JsonObject) -> tuple[ToolCall, str] | None:
    """Return a call and what the model was told about it; None if the part is not a call with a result."""
    kind = text_of(part.get("type"))
    name = text_of(part.get("toolName")) if kind == "dynamic-tool" else kind.removeprefix("tool-")
    match part.get("state"):
        case "output-available":
            output = part.get("output")
            content = output if isinstance(output, str) else json.dumps(output, ensure_ascii=False)
        case "output-error":
            content = text_of(part.get("errorText"))
        case "output-denied":
            content = "refused: " + (text_of(object_of(part.get("approval")).get("reason")) or "not allowed")
        case _:
            return None
    return ToolCall(name, object_of(part.get("input")), text_of(part.get("toolCallId")) or None), content


def _image(part: JsonObject) -> bytes:
    """Return the bytes of an image; never a URL or a path, which would be read from this machine."""
    head, _, data = text_of(part.get("url")).partition(",")
    media_type, *attributes = head.removeprefix("data:").split(";")
    if not head.startswith("data:image/") or "base64" not in attributes:
        raise wrong_value("file", "an image as a data URL in base64", media_type)
    try:
        image = base64.b64decode(unquote(data), validate=True)
    except ValueError as error:
        raise wrong_value("file", "an image as a data URL in base64", data) from error
    if not image:
        raise wrong_value("file", "an image that is not empty", media_type)
    return image
