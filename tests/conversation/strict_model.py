"""What is wrong with a history, if a server were as strict as the strictest template."""

from collections.abc import Iterable, Mapping
from typing import Any, cast

from ollama_rx import Message
from ollama_rx.testing import FakeOllama, Reply, Request, answer

Sent = Mapping[str, Any]

_MAY_FOLLOW = {
    "": {"system", "user"},
    "system": {"user"},
    "user": {"assistant"},
    "assistant": {"user"},
    "tool": {"assistant", "user"},
}


def problems(messages: Iterable[Sent]) -> list[str]:
    """Return what is wrong with a request: roles that do not alternate, calls without results."""
    found: list[str] = []
    before = ""
    unanswered: list[object] = []  # ids of calls
    for at, message in enumerate(messages):
        role = str(message["role"])
        if role == "tool":
            if not unanswered or message.get("tool_call_id") != unanswered.pop(0):
                found.append(f"{at}: the result of no call")
        elif unanswered:
            found.append(f"{at}: {len(unanswered)} calls without a result")
        elif role not in _MAY_FOLLOW[before]:
            found.append(f"{at}: {role} after {before}")
        unanswered += [call.get("id") for call in message.get("tool_calls", ())]
        before = role
    if before not in {"user", "tool"} or unanswered:
        found.append(f"the last message is from {before}")
    return found


def problems_of_history(messages: Iterable[Message]) -> list[str]:
    """Return what would be wrong with a history when the user says something next."""
    sent: list[Sent] = [
        {
            "role": it.role,
            "tool_call_id": it.tool_call_id,
            "tool_calls": [{"id": call.id} for call in it.tool_calls],
        }
        for it in messages
    ]
    return problems([*sent, {"role": "user"}])


def chats(fake: FakeOllama) -> list[Request]:
    """Return the requests for answers; a conversation also asks once for the size of the context."""
    return [request for request in fake.requests if request.path == "/api/chat"]


def last_of(request: Request) -> Sent:
    """Return the last message of a request."""
    return messages_of(request)[-1]


def messages_of(request: Request) -> list[Sent]:
    """Return the messages of a request."""
    return cast("list[Sent]", request.json["messages"])


def strict(request: Request) -> Reply:
    """Answer with what is wrong with the history."""
    return answer("; ".join(problems(messages_of(request))) or "fine")
