"""The AI SDK itself reads our streams: what a chat of its versions 5, 6 and 7 becomes."""

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest
from reactivex import Observable, concat, of, throw
from reactivex import operators as rx
from reactivex.subject import Subject
from starlette.responses import Response

from ollama_rx import Client, Conversation, ServerError
from ollama_rx import operators as op
from ollama_rx.testing import (
    FakeOllama,
    Gate,
    answer,
    cut,
    endless,
    error_status,
    thinking,
    tool_call,
    tool_calls,
)
from ollama_rx.web import Replay, WebEvent, messages_from_ui, ui_message_response
from ollama_rx.web.ai_sdk.ui_message_parts import UiMessageParts
from ollama_rx.web.web_event import done_event
from tests.conversation.strict_model import chats
from tests.web.ai_sdk.npm.conftest import ChatApp

UseChat = Callable[..., Any]

ODD = '🙂 e\u0301\u2028\u2029\u0085 \x00\x1b \u202e\ufeff \\n\r\n"data: [DONE]"\n\ndata: {}\n\n</script>'


@pytest.fixture
def fake() -> Iterator[FakeOllama]:
    with FakeOllama() as server:
        yield server


@pytest.fixture
def client(fake: FakeOllama) -> Iterator[Client]:
    with Client(fake.url, model="m") as made:
        yield made


def streaming(stream: Observable[Any], **options: Any) -> Callable[[Any], Response]:
    """Return a function that answers everything with one stream."""
    return lambda _: ui_message_response(stream, **options)


def last_parts(result: Any) -> list[Any]:
    """Return the parts of the last message, which must be an answer, without what a version adds to them."""
    message = result["messages"][-1]
    assert message["role"] == "assistant"
    return [{key: part[key] for key in part if key in SHOWN} for part in message["parts"]]


def asked(fake: FakeOllama) -> list[Any]:
    """Return the messages of the last request to the model."""
    return cast(list[Any], chats(fake)[-1].json["messages"])


SHOWN = ("type", "text", "state", "toolCallId", "input", "output", "errorText", "data")
STEP = {"type": "step-start"}


def said(written: str, kind: str = "text") -> dict[str, Any]:
    return {"type": kind, "text": written, "state": "done"}


def called(name: str, identifier: str, state: str, **more: object) -> dict[str, Any]:
    return {"type": f"tool-{name}", "toolCallId": identifier, "state": state, **more}


def test_text_and_reasoning(use_chat: UseChat, app: ChatApp, fake: FakeOllama, client: Client) -> None:
    fake.play(answer(thinking("7 times"), thinking(" 13"), "Ninety", "-one."))
    app.answer = lambda body: ui_message_response(client.chat(messages_from_ui(body)), message_id="m1")

    result = use_chat("send", "What is 7 * 13?")

    assert (result["status"], result.get("error")) == ("ready", None)
    assert last_parts(result) == [STEP, said("7 times 13", "reasoning"), said("Ninety-one.")]
    assert result["messages"][-1]["id"] == "m1"
    assert result["messages"][-1]["metadata"]["stats"]["tokens"] == 4
    assert asked(fake) == [{"role": "user", "content": "What is 7 * 13?"}]


def test_a_stream_read_without_a_chat(use_chat: UseChat, app: ChatApp) -> None:
    app.answer = streaming(of("It", " is", " blue."))

    result = use_chat("read")

    assert result["errors"] == []
    assert last_parts({"messages": [result["message"]]}) == [STEP, said("It is blue.")]
    assert result["states"] > len(("It", " is", " blue."))


def test_tools_in_two_rounds(use_chat: UseChat, app: ChatApp, fake: FakeOllama, client: Client) -> None:
    def weather(city: str) -> str:
        if city == "Atlantis":
            raise LookupError("no such city")
        return f"rain in {city}"

    fake.play(
        answer(
            "Let me see.",
            tool_calls(tool_call("weather", {"city": "Ulm"}), tool_call("weather", {"city": "Atlantis"})),
        ),
        answer(thinking("Once more"), tool_call("weather", {"city": "Bonn"})),
        answer("It ", "rains."),
        answer("Yes."),
    )

    def say(body: Any) -> Response:
        *history, prompt = messages_from_ui(body)
        talk = Conversation(client, tools=[weather], messages=history)
        return ui_message_response(talk.say(prompt.content, tool_results=True))

    app.answer = say

    result = use_chat("send", "Weather?")

    first, second, third = (part["toolCallId"] for part in last_parts(result) if "toolCallId" in part)
    assert last_parts(result) == [
        STEP,
        said("Let me see."),
        called("weather", first, "output-available", input={"city": "Ulm"}, output="rain in Ulm"),
        called(
            "weather",
            second,
            "output-error",
            input={"city": "Atlantis"},
            errorText="error: LookupError: no such city",
        ),
        STEP,
        said("Once more", "reasoning"),
        called("weather", third, "output-available", input={"city": "Bonn"}, output="rain in Bonn"),
        STEP,
        said("It rains."),
    ]

    use_chat("send", "Sure?", messages=result["messages"])

    sent = asked(fake)
    assert [message["role"] for message in sent] == [
        *("user", "assistant", "tool", "tool", "assistant", "tool", "assistant", "user"),
    ]
    assert sent[1]["tool_calls"][0]["function"] == {"name": "weather", "arguments": {"city": "Ulm"}}
    assert sent[2]["content"] == "rain in Ulm"


def test_a_tool_that_runs_in_the_page(
    use_chat: UseChat, app: ChatApp, fake: FakeOllama, client: Client
) -> None:
    fake.play(answer(tool_call("locate", {})), answer("You are in Ulm."))
    schema = {"type": "function", "function": {"name": "locate", "description": "Where the user is"}}
    app.answer = lambda body: ui_message_response(client.chat(messages_from_ui(body), tools=[schema]))

    result = use_chat("answer_tool", "Where am I?", tool="locate", output={"city": "Ulm"})

    assert result["calls"] == ["locate"]
    assert last_parts(result)[-1] == said("You are in Ulm.")
    sent = asked(fake)
    assert [message["content"] for message in sent if message["role"] == "tool"] == ['{"city": "Ulm"}']


def test_a_question_that_is_asked_again(
    use_chat: UseChat, app: ChatApp, fake: FakeOllama, client: Client
) -> None:
    fake.play(answer("Blue."), answer("Red."))
    app.answer = lambda body: ui_message_response(client.chat(messages_from_ui(body)))
    first = use_chat("send", "A colour?")

    second = use_chat("regenerate", messages=first["messages"])

    assert asked(fake) == [{"role": "user", "content": "A colour?"}]
    assert [last_parts(one)[-1] for one in (first, second)] == [said("Blue."), said("Red.")]
    assert len(second["messages"]) == len(["question", "answer"])


def test_data_parts(use_chat: UseChat, app: ChatApp) -> None:
    blocks = of("# Hi\n\nthere").pipe(op.markdown_blocks(every=None))
    own = of(
        WebEvent("weather", {"id": "u", "sky": "grey"}),
        {"any": [1]},
        WebEvent("weather", {"id": "u", "sky": "blue"}),
    )
    app.answer = streaming(concat(blocks, own))

    result = use_chat("send")

    assert last_parts(result) == [
        STEP,
        {"type": "data-block", "data": {"number": 0, "text": "# Hi\n", "complete": True}},
        {"type": "data-block", "data": {"number": 1, "text": "\nthere", "complete": True}},
        {"type": "data-weather", "data": {"id": "u", "sky": "blue"}},
        {"type": "data-item", "data": {"any": [1]}},
    ]
    assert result["data"][2] == {"type": "data-weather", "id": "u", "data": {"id": "u", "sky": "grey"}}


@pytest.mark.parametrize("text", ["", ODD, "語" * 2_700_000], ids=["empty", "odd", "8 MB"])
def test_text_of_any_kind(use_chat: UseChat, app: ChatApp, text: str) -> None:
    app.answer = streaming(of(text), replay=Replay(max_bytes=2**24))

    result = use_chat("send")

    assert result["status"] == "ready"
    assert last_parts(result) == ([STEP, said(text)] if text else [STEP])


def test_an_error_in_the_middle(use_chat: UseChat, app: ChatApp) -> None:
    app.answer = streaming(concat(of("It is"), throw(ServerError("out of memory"))))

    result = use_chat("send")

    assert (result["status"], result["error"]) == ("error", "the server stopped the answer: out of memory")
    assert last_parts(result) == [STEP, said("It is")]


def test_an_error_before_the_first_word(
    use_chat: UseChat, app: ChatApp, fake: FakeOllama, client: Client
) -> None:
    fake.play(error_status(404, "model 'm' not found"))
    app.answer = streaming(client.generate("Hi"))

    result = use_chat("send")

    assert result["status"] == "error"
    assert result["error"].startswith("HTTP 404: model 'm' not found; `ollama list`")


def test_a_connection_to_the_model_that_is_cut(
    use_chat: UseChat, app: ChatApp, fake: FakeOllama, client: Client
) -> None:
    fake.play(answer("It is", cut()))
    app.answer = streaming(client.generate("Hi"))

    result = use_chat("send")

    assert result["status"] == "error"
    assert last_parts(result)[-1] == said("It is")


def test_stop_in_the_page_stops_the_model(
    use_chat: UseChat, app: ChatApp, fake: FakeOllama, client: Client
) -> None:
    fake.play(answer("It is", endless(" and", every=0.001)), answer("Good."))
    app.answer = lambda body: ui_message_response(client.chat(messages_from_ui(body)))

    result = use_chat("stop", after=40)

    assert (result["status"], result.get("error")) == ("ready", None)
    fake.wait_for_disconnect()
    assert last_parts(result)[-1]["text"].startswith("It is and and")

    use_chat("send", "And now?", messages=result["messages"])
    assert asked(fake)[1]["content"].startswith("It is and and")


def test_stop_on_the_server_ends_the_answer_without_an_error(
    use_chat: UseChat, app: ChatApp, fake: FakeOllama, client: Client
) -> None:
    replay = Replay()
    fake.play(answer("It is", endless(" and", every=0.001)))
    text = client.generate("Hi").pipe(op.text())

    def stop_soon(word: str) -> str:
        replay.stop()
        return word

    app.answer = lambda _: ui_message_response(text.pipe(rx.map(stop_soon)), replay=replay)

    result = use_chat("send")

    assert (result["status"], result.get("error")) == ("ready", None)
    fake.wait_for_disconnect()


def test_a_page_that_was_reloaded_goes_on(
    use_chat: UseChat, app: ChatApp, fake: FakeOllama, client: Client
) -> None:
    rest = Gate()
    fake.play(answer("It is", rest, " blue."))
    replay = Replay(grace=None)
    question = {"id": "q", "role": "user", "parts": [{"type": "text", "text": "Hi"}]}
    app.answer = lambda _: ui_message_response(client.generate("Hi"), replay=replay)

    def resume(chat: str) -> Response:
        assert chat == "chat 1"
        rest.open()
        return ui_message_response(replay=replay)

    app.resume = resume

    result = use_chat("stop", id="chat 1", after=5)
    resumed = use_chat("resume", id="chat 1", messages=[question])

    assert resumed["status"] == "ready"
    assert last_parts(resumed) == [STEP, said("It is blue.")]
    assert resumed["messages"][-1]["id"] == result["messages"][-1]["id"]


def test_there_is_nothing_to_go_on_with(use_chat: UseChat, app: ChatApp) -> None:
    app.resume = lambda _: ui_message_response()

    result = use_chat("resume")

    assert result["messages"] == []
    assert "error" not in result


def test_images_arrive_at_the_model(
    use_chat: UseChat, app: ChatApp, fake: FakeOllama, client: Client
) -> None:
    picture = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(1000)).decode()
    fake.play(answer("A cat."))
    app.answer = lambda body: ui_message_response(client.chat(messages_from_ui(body)))
    url = f"data:image/png;base64,{picture}"

    use_chat("send", "What is it?", files=[{"type": "file", "mediaType": "image/png", "url": url}])

    assert asked(fake) == [{"role": "user", "content": "What is it?", "images": [picture]}]


def test_a_beginning_that_is_no_longer_kept_is_an_error(use_chat: UseChat, app: ChatApp) -> None:
    def late(_: object) -> Response:
        replay, answer = Replay(max_events=2), Subject[str]()
        replay.start(answer)
        for word in ("It", " is", " blue"):
            answer.on_next(word)
        return ui_message_response(replay=replay)

    app.answer = late

    result = use_chat("send")

    assert result["status"] == "error"
    assert "no longer available" in result["error"]


def test_a_step_that_is_reset_is_replaced_in_7_and_refused_before(
    use_chat: UseChat, app: ChatApp, request: pytest.FixtureRequest
) -> None:
    machine = UiMessageParts("m", reset_steps=True)
    words = (
        WebEvent("text", {"text": "lost"}),
        WebEvent("reset", {"missed": 2}),
        WebEvent("text", {"text": "rest"}),
    )
    parts = [
        *machine.begin(),
        *(part for event in (*words, done_event("completed")) for part in machine.of(event)),
    ]
    frames = "".join(f"data: {json.dumps(part)}\n\n" for part in parts)
    app.answer = lambda _: Response(frames, media_type="text/event-stream")

    result = use_chat("send")

    if request.node.callspec.params["use_chat"] == "ai7":
        assert last_parts(result) == [STEP, said("rest")]
    else:
        assert result["status"] == "error"
        assert "reset-step" in result["error"]
