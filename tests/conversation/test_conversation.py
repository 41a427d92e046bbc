"""A conversation keeps a history: undo, fork, trim, images, and what is refused."""

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ollama_rx import Client, Conversation, Message, ToolCall
from ollama_rx.testing import FakeOllama, Gate, answer
from tests.contracts.conftest import Door
from tests.conversation.strict_model import chats, messages_of, strict


@pytest.fixture
def client() -> Client:
    return Client("http://127.0.0.1:9", model="m")


def test_messages_may_be_given_as_mappings(client: Client) -> None:
    given: list[Any] = [
        {"role": "user", "content": "Weather?", "images": [b"png"]},
        {
            "role": "assistant",
            "thinking": "Hm.",
            "tool_calls": [{"id": "1", "function": {"name": "weather"}}],
        },
        {"role": "tool", "content": "rain", "tool_name": "weather", "tool_call_id": "1"},
        Message("assistant", "Rain."),
    ]
    assert Conversation(client, messages=given).messages == (
        Message("user", "Weather?", images=["cG5n"]),
        Message("assistant", thinking="Hm.", tool_calls=(ToolCall("weather", id="1"),)),
        Message("tool", "rain", tool_name="weather", tool_call_id="1"),
        Message("assistant", "Rain."),
    )


def test_images_are_read_when_something_is_said(tmp_path: Path) -> None:
    picture = tmp_path / "picture.png"
    with FakeOllama(strict) as fake, Client(fake.url, model="m") as client:
        talk = Conversation(client)
        with pytest.raises(FileNotFoundError):
            talk.say("What is this?", images=[picture])
        picture.write_bytes(b"png")
        stream = talk.say("What is this?", images=[picture])
        picture.unlink()
        stream.run()
        talk.say("And now?").run()
        sent = [messages_of(request)[0]["images"] for request in chats(fake)]
        assert sent == [[base64.b64encode(b"png").decode()]] * 2


def test_the_arguments_of_a_turn_win_over_those_of_the_conversation() -> None:
    with FakeOllama(strict) as fake, Client(fake.url, model="m") as client:
        talk = Conversation(client, model="other", options={"seed": 1}, think=False, keep_alive="5m")
        talk.say("Hi", options={"seed": 2}, format="json").run()
        talk.say("Hi").run()
        names = ("model", "options", "think", "keep_alive", "format")
        assert [[request.json.get(name) for name in names] for request in chats(fake)] == [
            ["other", {"seed": 2}, False, "5m", "json"],
            ["other", {"seed": 1}, False, "5m", None],
        ]


def test_undo_removes_the_last_turn_and_returns_it() -> None:
    with FakeOllama(answer("one"), answer("two")) as fake, Client(fake.url, model="m") as client:
        talk = Conversation(client, system="Be brief.")
        talk.say("1").run()
        talk.say("2").run()
        assert [it.content for it in talk.undo()] == ["2", "two"]
        assert [it.content for it in talk.messages] == ["Be brief.", "1", "one"]
        assert [it.content for it in talk.undo()] == ["1", "one"]
        assert talk.undo() == ()
        assert [it.content for it in talk.messages] == ["Be brief."]


def test_undo_while_a_turn_runs_is_an_error(door: Door) -> None:
    gate = Gate()
    with FakeOllama(answer("a", gate)) as fake, Client(fake.url, model="m") as client:
        talk = Conversation(client)
        seen = door.subscribe(talk.say("Hi"))
        assert seen.started.wait(5)
        with pytest.raises(RuntimeError, match="undo: a turn of this conversation is running"):
            talk.undo()
        gate.open()
        seen.wait()
        assert len(talk.undo()) == 2


def test_a_fork_goes_its_own_way_with_the_same_settings() -> None:
    with FakeOllama(strict) as fake, Client(fake.url, model="m") as client:
        talk = Conversation(client, options={"seed": 1})
        talk.say("1").run()
        fork = talk.fork()
        fork.say("2").run()
        talk.say("3").run()
        assert [it.content for it in talk.messages[::2]] == ["1", "3"]
        assert [it.content for it in fork.messages[::2]] == ["1", "2"]
        assert chats(fake)[1].json["options"] == {"seed": 1}


def test_trim_decides_what_is_sent_and_the_history_stays_whole() -> None:
    def newest(messages: Sequence[Message]) -> Sequence[Message]:
        return messages[-1:]

    with FakeOllama(strict) as fake, Client(fake.url, model="m") as client:
        talk = Conversation(client, trim=newest)
        talk.say("1").run()
        talk.say("2").run()
        assert [len(messages_of(request)) for request in chats(fake)] == [1, 1]
        assert len(talk.messages) == 4


@pytest.mark.parametrize(
    ("trimmed", "kind", "message"),
    [
        (None, TypeError, "trim: expected a list of messages from the function, got NoneType"),
        ([], ValueError, "trim: expected at least one message from the function, got none"),
        (["Hi"], TypeError, "trim: expected a Message, got str"),
    ],
)
def test_what_trim_returns_is_checked(
    client: Client, trimmed: Any, kind: type[Exception], message: str
) -> None:
    talk = Conversation(client, trim=lambda _: trimmed)
    with pytest.raises(kind) as caught:
        talk.say("Hi").run()
    assert str(caught.value) == message
    assert talk.messages == ()


def unused(_: object) -> Any:
    raise AssertionError


async def summarize(messages: Sequence[Message]) -> Sequence[Message]:
    return messages


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        ({"client": "http://127.0.0.1"}, TypeError, "client: expected a Client, got str"),
        ({"model": 1}, TypeError, "model: expected text, got int"),
        ({"system": 1}, TypeError, "system: expected text, got int"),
        ({"tools": unused}, TypeError, "tools: expected a list, even for a single item, got function"),
        ({"messages": "Hi"}, TypeError, "messages: expected a list, even for a single item, got str"),
        ({"messages": ["Hi"]}, TypeError, "messages: expected a Message or a mapping, got str"),
        (
            {"messages": [{"role": "user", "tool_calls": ["x"]}]},
            TypeError,
            "messages: expected a ToolCall or a mapping in 'tool_calls', got str",
        ),
        (
            {"system": "a", "messages": [Message("system", "b")]},
            ValueError,
            "system: expected None beside messages that begin with a system message, got 'a'",
        ),
        ({"max_rounds": 0}, ValueError, "max_rounds: expected a whole number of at least 1, got 0"),
        ({"max_rounds": "8"}, TypeError, "max_rounds: expected a whole number of at least 1, got str"),
        ({"on_tool_call": True}, TypeError, "on_tool_call: expected a function, got bool"),
        ({"trim": 5}, TypeError, "trim: expected a function, got int"),
        (
            {"trim": summarize},
            TypeError,
            "trim: expected a function that returns messages, got a coroutine function",
        ),
        ({"think": "a bit"}, ValueError, None),
        ({"temperature": 1}, TypeError, "chat: `temperature` is an option: options={'temperature': ...}"),
    ],
)
def test_wrong_arguments_are_refused_when_it_is_built(
    client: Client, arguments: dict[str, Any], kind: type[Exception], message: str | None
) -> None:
    given: dict[str, Any] = {"client": client, **arguments}
    with pytest.raises(kind) as caught:
        Conversation(**given)
    assert message in {None, str(caught.value)}


def test_a_model_must_be_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OLLAMA_HOST", raising=False)
    with pytest.raises(ValueError, match=r"^model: expected a name"):
        Conversation(Client())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"temperature": 1}, "chat: `temperature` is an option: options={'temperature': ...}"),
        ({"tools": []}, "say: `tools` is an argument of the conversation, not of one turn"),
        ({"model": "m"}, "say: `model` is an argument of the conversation, not of one turn"),
    ],
)
def test_an_unknown_argument_is_told_where_it_belongs(
    client: Client, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(TypeError) as caught:
        Conversation(client).say("Hi", **arguments)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"text": None}, "text: expected text, got NoneType"),
        (
            {"text": "Hi", "images": "cat.png"},
            "images: expected a list of images, even for a single one, got str",
        ),
        ({"text": "Hi", "tool_results": 1}, "tool_results: expected True or False, got int"),
        ({"text": "Hi", "options": "fast"}, "options: expected a mapping, got str"),
    ],
)
def test_wrong_arguments_are_refused_when_something_is_said(
    client: Client, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(TypeError) as caught:
        Conversation(client).say(**arguments)
    assert str(caught.value) == message


def test_heard_takes_text(client: Client) -> None:
    with pytest.raises(TypeError, match=r"^text: expected text, got NoneType$"):
        Conversation(client).heard(None)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]


# files


def test_a_saved_conversation_goes_on_where_it_was(tmp_path: Path) -> None:
    file = tmp_path / "talk.json"
    with FakeOllama(strict) as fake, Client(fake.url) as client:
        talk = Conversation(client, model="m", system="Be brief.")
        talk.say("1", images=[b"png"]).run()
        talk.heard("fi")
        talk.save(file)
        loaded = Conversation.load(client, file, options={"seed": 1})
        assert (loaded.messages, loaded.tokens_used) == (talk.messages, talk.tokens_used)
        loaded.say("2").run()
        assert loaded.messages[-1].content == "fine"
        assert (chats(fake)[1].json["model"], chats(fake)[1].json["options"]) == ("m", {"seed": 1})
        assert messages_of(chats(fake)[1])[1]["images"] == ["cG5n"]


def test_a_conversation_saved_in_mid_turn_can_be_loaded_and_sent(tmp_path: Path, door: Door) -> None:
    file = tmp_path / "talk.json"
    gate = Gate()
    with FakeOllama(answer("Hel", gate, "lo"), strict) as fake, Client(fake.url, model="m") as client:
        talk = Conversation(client)
        seen = door.subscribe(talk.say("Hi"))
        assert seen.started.wait(5)
        talk.save(file)
        loaded = Conversation.load(client, file, model="other")
        assert [(it.content, it.cut) for it in loaded.messages] == [("Hi", False), ("Hel", True)]
        assert door.subscribe(loaded.say("Go on")).wait().text == "fine"
        assert chats(fake)[1].json["model"] == "other"
        gate.open()
        seen.wait()


def test_a_file_that_holds_no_conversation_is_refused(tmp_path: Path, client: Client) -> None:
    file = tmp_path / "talk.json"
    file.write_text("[]")
    with pytest.raises(ValueError, match=r"talk\.json: expected a saved conversation"):
        Conversation.load(client, file)
