"""The answers that are being written: saved while they run, stopped, interrupted, replaced."""

import asyncio
import logging
import math
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ollama_rx import Client, Message
from ollama_rx.testing import (
    FakeOllama,
    Gate,
    answer,
    cut,
    endless,
    error_status,
    midstream_error,
    thinking,
    tool_call,
)
from ollama_rx.web.page import answers, conversation_store
from ollama_rx.web.page.answers import Answers, RunningAnswer, TooManyAnswersError
from ollama_rx.web.page.conversation_store import ConversationStore, StoredMessage, StoredTurn, StoreError
from tests.web.page.conftest import Browser, OpenPage


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "conversations.sqlite3"


@pytest.fixture
def store(path: Path) -> Iterator[ConversationStore]:
    opened = ConversationStore(path)
    yield opened
    opened.close()


def saved(store: ConversationStore, id_: str) -> StoredMessage:
    return store.read(id_).messages[-1]


async def begin(running: Answers, store: ConversationStore, text: str = "Hi") -> RunningAnswer:
    """Begin an answer in a new conversation."""
    id_ = store.create()
    await running.begin(id_, Message("user", text), position=0, model="llama")
    found = running.get(id_)
    assert found is not None
    return found


async def until(answer_: RunningAnswer, condition: Callable[[], object]) -> None:
    """Read events until something is true."""
    async with answer_.replay.join() as reader:
        while not condition():
            assert await reader.read(5)


def test_a_stopped_answer_keeps_what_has_arrived(page: Browser, fake: FakeOllama) -> None:
    fake.play(answer("Hello ", endless("more ", every=0.005)))
    id_ = page.begin()
    with page.reading(id_) as events:
        next(event for event in events if event.type == "block" and "more" in str(event.data))
        assert page.http.post(f"/api/conversations/{id_}/stop").status_code == 204
        *_, last = events
    assert (last.type, last.data) == ("done", {"reason": "stopped"})
    fake.wait_for_disconnect()
    message = page.last(id_)
    assert message["text"].startswith("Hello more ")
    assert (message["cut"], message["error"]) == (True, None)
    assert message["stats"]["tokens"] >= 1
    assert page.read(id_)["answering"] is None


def test_an_answer_that_was_stopped_before_it_began_leaves_the_prompt(
    page: Browser, fake: FakeOllama
) -> None:
    fake.play(answer(Gate(), "x"))
    id_ = page.begin()
    fake.wait_for_request()
    page.http.post(f"/api/conversations/{id_}/stop")
    assert page.texts(id_) == ["Hi"]
    fake.play(answer("y"))
    page.http.post(f"/api/conversations/{id_}/retry", json={"model": "m"})
    page.wait(id_)
    assert page.texts(id_) == ["Hi", "y"]


def test_a_server_that_is_killed_has_saved_what_had_arrived(
    page: Browser, fake: FakeOllama, store: ConversationStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "_SAVE_EVERY", 0.001)
    gate = Gate()
    fake.play(answer("one two", gate, " three"))
    id_ = page.begin()
    with page.reading(id_):
        while (message := saved(store, id_)).message.role == "user":
            pass
        assert (message.message.content, message.message.cut) == ("one two", True)
        gate.open()
    page.wait(id_)
    assert (saved(store, id_).message.content, saved(store, id_).message.cut) == ("one two three", False)


def test_an_answer_that_breaks_off_is_kept_with_the_reason(page: Browser, fake: FakeOllama) -> None:
    fake.play(answer("Hel", midstream_error("out of memory")))
    id_ = page.begin()
    page.wait(id_)
    last = page.last(id_)
    assert (last["text"], last["cut"]) == ("Hel", True)
    assert "out of memory" in last["error"]


def test_a_connection_that_is_cut_is_an_error_too(page: Browser, fake: FakeOllama) -> None:
    gate = Gate()
    fake.play(answer("Hel", gate, cut()))
    id_ = page.begin()
    with page.reading(id_) as events:
        gate.open()
        *_, last = events
    assert (last.type, last.data["type"]) == ("error", "IncompleteStreamError")
    assert page.last(id_)["text"] == "Hel"


def test_thinking_between_tags_is_thinking(page: Browser, fake: FakeOllama) -> None:
    fake.play(answer("<thi", "nk>Hm", "</think>", "Yes"))
    id_ = page.begin()
    events = page.events(id_)
    assert {event.data["text"] for event in events if event.type == "thinking"} <= {"Hm"}
    page.wait(id_)
    last = page.last(id_)
    assert (last["thinking"], last["text"], last["blocks"]) == ("Hm", "Yes", ["<p>Yes</p>\n"])


def test_thinking_beside_the_text_is_kept_and_goes_back_to_the_model(page: Browser, fake: FakeOllama) -> None:
    fake.play(answer(thinking("Hm"), "Yes"))
    id_ = page.chat("Hi", "Ho")
    assert page.read(id_)["messages"][1]["thinking"] == "Hm"
    chats: list[Any] = [request.json for request in fake.requests if request.path == "/api/chat"]
    assert chats[1]["messages"][1] == {"role": "assistant", "content": "Yes", "thinking": "Hm"}


def test_a_system_message_begins_each_request(open_page: OpenPage, fake: FakeOllama) -> None:
    page = open_page(system="Be brief.")
    id_ = page.chat("Hi")
    assert page.texts(id_) == ["Hi", "Hi"]
    sent: Any = fake.requests[0].json
    assert sent["messages"][0] == {"role": "system", "content": "Be brief."}


def test_a_deleted_conversation_stops_its_model(page: Browser, fake: FakeOllama) -> None:
    fake.play(answer("a", endless("b", every=0.005)))
    id_ = page.begin()
    fake.wait_for_lines(2)
    page.http.delete(f"/api/conversations/{id_}")
    fake.wait_for_disconnect()
    assert page.http.get(f"/api/conversations/{id_}").status_code == 404


def test_an_answer_ends_when_another_process_goes_on_with_its_conversation(
    page: Browser, fake: FakeOllama, store: ConversationStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "_SAVE_EVERY", 0.001)
    fake.play(answer("a", endless("b", every=0.005)))
    id_ = page.begin()
    with page.reading(id_) as events:
        store.begin_turn(id_, Message("user", "Ho"), position=0, model="other")
        assert page.read(id_)["answering"] is None
        assert page.texts(id_) == ["Ho"]
        *_, last = events
    assert last.data == {"reason": "stopped"}
    fake.wait_for_disconnect()
    assert page.texts(id_) == ["Ho"]


def test_without_a_reader_the_model_is_stopped_after_the_grace_time(
    open_page: OpenPage, fake: FakeOllama
) -> None:
    page = open_page(grace=1.0)  # in which even a busy machine sends the request
    fake.play(answer("a", endless("b", every=0.005)))
    page.begin()
    fake.wait_for_disconnect()


def test_answers_go_on_while_somebody_reads_them(fake: FakeOllama, store: ConversationStore) -> None:
    fake.play(answer("a", endless("b", every=0.001)))

    async def scenario() -> None:
        async with Client(fake.url) as client:
            running = Answers(store, client, grace=0)
            found = await begin(running, store)
            with found.reading(), found.reading():
                await until(found, lambda: len(found.text) > 20)
            assert len(found.text) > 20
            await found.end()

    asyncio.run(scenario())
    fake.wait_for_disconnect()


def test_so_many_answers_may_run_and_no_more(fake: FakeOllama, store: ConversationStore) -> None:
    gate = Gate()
    fake.play(answer(gate, "a"))

    async def scenario() -> None:
        async with Client(fake.url) as client:
            running = Answers(store, client, most=2)
            found = [await begin(running, store), await begin(running, store)]
            with pytest.raises(TooManyAnswersError, match="Too many"):
                await begin(running, store)
            gate.open()
            for one in found:
                await one.end()
            await (await begin(running, store)).end()
            await running.close()
            with pytest.raises(TooManyAnswersError):
                await begin(running, store)

    asyncio.run(scenario())


def test_closing_stops_and_saves_all_answers(fake: FakeOllama, store: ConversationStore) -> None:
    fake.play(answer("Hello", endless(" more", every=0.005)))

    async def scenario() -> list[str]:
        async with Client(fake.url) as client:
            running = Answers(store, client)
            found = [await begin(running, store), await begin(running, store)]
            for one in found:
                await until(one, lambda one=one: one.text)  # type: ignore[misc]
            await running.close()
            assert [running.get(one.turn.conversation) for one in found] == [None, None]
            return [one.turn.conversation for one in found]

    for id_ in asyncio.run(scenario()):
        assert saved(store, id_).message.content.startswith("Hello")
        assert saved(store, id_).message.cut
    fake.wait_for_disconnect(2)


def test_closing_does_not_wait_for_a_file_that_is_locked(
    fake: FakeOllama, store: ConversationStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "_CLOSING_SECONDS", 0.0)
    monkeypatch.setattr(conversation_store, "_BUSY_SECONDS", math.inf)
    fake.play(answer("Hello", endless(" more", every=0.005)))

    async def scenario() -> None:
        async with Client(fake.url) as client:
            running = Answers(store, client)
            one = await begin(running, store)
            await until(one, lambda: one.text)
            holder = sqlite3.connect(store.path, isolation_level=None)
            holder.execute("BEGIN IMMEDIATE")
            await running.close()
            assert running.get(one.turn.conversation) is None
            holder.close()

    asyncio.run(scenario())


def test_what_was_heard_ends_an_answer_that_is_being_written(
    fake: FakeOllama, store: ConversationStore
) -> None:
    fake.play(answer("One two three.", endless(" more", every=0.005)))

    async def scenario() -> str:
        async with Client(fake.url) as client:
            found = await begin(Answers(store, client), store)
            await until(found, lambda: found.text)
            await found.heard("One two")
            return found.turn.conversation

    last = saved(store, asyncio.run(scenario()))
    assert (last.message.content, last.message.cut) == ("One two", True)
    assert last.unheard.startswith(" three.")
    fake.wait_for_disconnect()


def test_a_stopped_answer_has_the_figures_of_all_that_has_arrived(
    fake: FakeOllama, store: ConversationStore
) -> None:
    fake.play(answer("One", " two", " three", endless("")))

    async def scenario() -> str:
        async with Client(fake.url) as client:
            found = await begin(Answers(store, client), store)
            await until(found, lambda: found.text == "One two three")
            found.stop()
            await found.end()
            return found.turn.conversation

    stats = saved(store, asyncio.run(scenario())).stats
    assert stats is not None
    assert (stats["ended_by"], stats["tokens"] >= 3) == ("disposed", True)


@pytest.mark.parametrize(
    ("written", "heard", "unheard"),
    [
        ("One two three.", "One", " two three."),
        ("One two. \n", "One two.", ""),
        ("<think>Hm.</think>One two.", "One", ""),  # what was heard is not the beginning
    ],
)
def test_what_was_heard_replaces_an_answer_that_is_complete(
    fake: FakeOllama, store: ConversationStore, written: str, heard: str, unheard: str
) -> None:
    fake.play(answer(written))

    async def scenario() -> str:
        async with Client(fake.url) as client:
            found = await begin(Answers(store, client), store)
            await found.end()
            assert not saved(store, found.turn.conversation).message.cut
            await found.heard(heard)
            return found.turn.conversation

    last = saved(store, asyncio.run(scenario()))
    assert (last.message.content, last.message.cut, last.unheard) == (heard, True, unheard)


def test_a_save_that_fails_is_logged_and_the_answer_goes_on(
    fake: FakeOllama,
    store: ConversationStore,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(*_: object) -> bool:
        raise StoreError("the disk is full")

    monkeypatch.setattr(ConversationStore, "save_turn", fail)
    fake.play(answer("secret"))

    async def scenario() -> None:
        async with Client(fake.url) as client:
            found = await begin(Answers(store, client), store)
            await found.end()
            assert found.text == "secret"

    with caplog.at_level(logging.INFO):
        asyncio.run(scenario())
    assert "the disk is full" in caplog.text
    assert "secret" not in caplog.text
    assert "Hi" not in caplog.text


@pytest.fixture
def held_save(monkeypatch: pytest.MonkeyPatch) -> Gate:
    """Hold back the first save of an answer until the gate is open."""
    gate = Gate()
    save = ConversationStore.save_turn

    def save_later(store: ConversationStore, turn: StoredTurn, messages: list[StoredMessage]) -> bool:
        asyncio.run(gate.wait())  # on a worker thread
        return save(store, turn, messages)

    monkeypatch.setattr(ConversationStore, "save_turn", save_later)
    return gate


def test_a_prompt_right_after_an_answer_waits_until_it_is_saved(
    fake: FakeOllama, store: ConversationStore, held_save: Gate
) -> None:
    async def scenario() -> list[str]:
        async with Client(fake.url) as client:
            running = Answers(store, client)
            found = await begin(running, store)
            await until(found, lambda: found.replay.is_over)
            id_ = found.turn.conversation
            following = asyncio.create_task(
                running.begin(id_, Message("user", "Ho"), position=2, model="llama")
            )
            asyncio.get_running_loop().call_soon(held_save.open)
            await following
            await running.stop(id_)
            return [one.message.content for one in store.read(id_).messages[:3]]

    assert asyncio.run(scenario()) == ["Hi", "Hi", "Ho"]


def test_a_conversation_is_read_after_its_answer_is_saved(
    page: Browser, fake: FakeOllama, held_save: Gate
) -> None:
    fake.play(answer("Hello"))
    id_ = page.begin()
    list(page.events(id_))
    timer = threading.Timer(0.05, held_save.open)
    timer.start()
    assert page.texts(id_) == ["Hi", "Hello"]
    timer.join()


def test_a_model_that_calls_tools_which_it_was_not_given_is_told_so(page: Browser, fake: FakeOllama) -> None:
    gate = Gate()
    fake.play(answer(gate, tool_call("shell", {"command": "rm"})), error_status(500, "out of memory"))
    id_ = page.begin()
    with page.reading(id_) as events:
        gate.open()
        *_, last = events
    assert last.type == "error"
    messages = page.read(id_)["messages"]
    assert [one["role"] for one in messages] == ["user", "assistant", "tool", "assistant"]
    assert "out of memory" in messages[-1]["error"]


def test_where_no_answer_is_written_there_is_nothing_to_stop(
    fake: FakeOllama, store: ConversationStore
) -> None:
    async def scenario() -> None:
        async with Client(fake.url) as client:
            running = Answers(store, client)
            await running.stop("none")
            await running.close()

    asyncio.run(scenario())
