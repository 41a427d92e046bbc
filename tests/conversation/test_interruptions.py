"""However a turn is interrupted, the history can be sent once more."""

import asyncio
import gc
import itertools
import random
import threading
import weakref
from collections.abc import Callable
from typing import Any

import pytest
from reactivex import operators as ops
from reactivex.disposable import SingleAssignmentDisposable

from ollama_rx import Client, Conversation, iterate
from ollama_rx.testing import FakeOllama, Reply, Request, answer, thinking, tool_call
from tests.contracts.conftest import Door
from tests.conversation.strict_model import last_of, messages_of, problems, problems_of_history

ITEMS = 11  # of a turn of the model below, with the results of its two calls


def look(place: str) -> str:
    """Look at a place."""
    return f"nothing in {place}"


async def wait(place: str) -> str:
    """Wait at a place."""
    await asyncio.sleep(0)
    return f"waited in {place}"


def model(request: Request) -> Reply:
    """Answer with calls first, then with what is wrong with the history."""
    if last_of(request)["role"] == "tool":
        return answer(thinking("So."), "It ", "is ", "; ".join(problems(messages_of(request))) or "fine")
    calls = [
        tool_call(name, {"place": "Ulm"}, id=f"{name}{len(messages_of(request))}")
        for name in ("look", "wait")
    ]
    return answer(thinking("Hm."), "Let me ", *calls)


Interrupt = Callable[[Conversation, SingleAssignmentDisposable], object]


def dispose(_: Conversation, subscription: SingleAssignmentDisposable) -> None:
    subscription.dispose()


def hear_a_bit(talk: Conversation, _: SingleAssignmentDisposable) -> None:
    talk.heard("Let")


def interrupt_at(
    door: Door, talk: Conversation, count: int, interrupt: Interrupt, *, elsewhere: bool
) -> None:
    """Interrupt a turn at an item: in the callback, or from another thread while the turn goes on."""
    reached = threading.Event()
    subscription = SingleAssignmentDisposable()
    numbers = itertools.count(1)

    def on_next(_: object) -> None:
        if next(numbers) == count:
            if not elsewhere:
                interrupt(talk, subscription)
            reached.set()

    def subscribe() -> None:
        subscription.disposable = stream.subscribe(on_next, on_completed=reached.set)

    stream = talk.say("Hi", tool_results=True)
    door.call(subscribe)
    assert reached.wait(10)
    if elsewhere:
        interrupt(talk, subscription)


def test_the_history_can_be_sent_after_each_of_200_interruptions(door: Door) -> None:
    choose = random.Random(41)  # noqa: S311 - which moments are tried
    with FakeOllama(model) as fake, Client(fake.url, model="m") as client:
        for number in range(100):  # for each door
            talk = Conversation(client, tools=[look, wait])
            for _ in range(choose.randint(1, 3)):
                interrupt = choose.choice([dispose, hear_a_bit])
                interrupt_at(
                    door, talk, choose.randint(1, ITEMS + 1), interrupt, elsewhere=choose.random() < 0.5
                )
                assert problems_of_history(talk.messages) == [], f"interruption {number}"
            door.subscribe(talk.say("Go on")).wait()
            assert "is fine" in talk.messages[-1].content


def test_ctrl_c_in_a_callback_keeps_what_it_has_received() -> None:
    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    async def main() -> None:
        async for _ in iterate(talk.say("Hi").pipe(ops.do_action(interrupted))):
            pass

    with FakeOllama(model) as fake, Client(fake.url, model="m") as client:
        talk = Conversation(client, tools=[look, wait])
        with pytest.raises(KeyboardInterrupt):
            asyncio.run(main())
        assert [(it.content, it.thinking, it.cut) for it in talk.messages] == [
            ("Hi", "", False),
            ("", "Hm.", True),
        ]


def test_three_hundred_conversations_share_a_client_and_leave_nothing() -> None:
    async def chat(client: Client) -> "weakref.ref[Conversation]":
        talk = Conversation(client, tools=[wait, look])
        async for _ in iterate(talk.say("Hi")):
            pass
        async for _ in iterate(talk.say("Go on")):
            break
        assert problems_of_history(talk.messages) == []
        assert talk.messages[3].content == "waited in Ulm" or talk.messages[2].content == "nothing in Ulm"
        return weakref.ref(talk)

    async def main() -> "list[weakref.ref[Conversation]]":
        return await asyncio.gather(*(chat(client) for _ in range(300)))

    with FakeOllama(model) as fake, Client(fake.url, model="m") as client:
        talks = asyncio.run(main())
        gc.collect()
        assert [talk() for talk in talks if talk() is not None] == []


def test_an_ended_turn_keeps_nothing_alive() -> None:
    def run_once() -> "weakref.ref[Any]":
        talk = Conversation(client, tools=[look, wait])
        talk.say("Hi").run()
        return weakref.ref(talk)

    with FakeOllama(model) as fake, Client(fake.url, model="m") as client:
        talk = run_once()
        gc.collect()
        assert talk() is None
