"""A turn is recorded before the subscriber sees it, however it ends, and the next one may then begin."""

import asyncio
import threading
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import pytest
from reactivex import Observable
from reactivex import operators as ops
from reactivex.abc import DisposableBase
from reactivex.disposable import Disposable
from reactivex.internal import noop
from reactivex.scheduler.eventloop import AsyncIOScheduler

from ollama_rx import (
    Chunk,
    Client,
    Conversation,
    Message,
    ServerError,
    Stats,
    StatusError,
    ToolResult,
    ToolRoundsError,
    deliver,
    iterate,
)
from ollama_rx import operators as op
from ollama_rx.conversation.history import History
from ollama_rx.conversation.token_count import TokenCount
from ollama_rx.conversation.tokens_limit import TokensLimit
from ollama_rx.conversation.tool_runner import ToolRunner
from ollama_rx.conversation.turn import TurnPlan, TurnStream
from ollama_rx.sinks import Collector, Console
from ollama_rx.testing import (
    FakeOllama,
    Gate,
    Reply,
    Request,
    answer,
    error_status,
    midstream_error,
    thinking,
    tool_call,
)
from tests.contracts.conftest import Door, Seen, eventually
from tests.conversation.strict_model import chats, last_of, messages_of, problems_of_history, strict

USER = Message("user", "Hi")


def weather(city: str) -> str:
    """Tell the weather."""
    return f"rain in {city}"


def calls_weather(request: Request) -> Reply:
    """Call the tool once for each question, then answer."""
    if last_of(request)["role"] == "tool":
        return answer("It ", "rains.")
    return answer("Let me see. ", tool_call("weather", {"city": "Ulm"}, id="1"))


def always_calls(_: Request) -> Reply:
    return answer(tool_call("weather", {"city": "Ulm"}, id="1"))


def is_not_last(chunk: Chunk) -> bool:
    return not chunk.done


def say_more(talk: Conversation) -> object:
    return talk.say("Me too").run()


def said(talk: Conversation) -> list[tuple[str, str, bool]]:
    return [(it.role, it.content, it.cut) for it in talk.messages]


def test_a_complete_answer_is_in_the_history_when_the_stream_ends(door: Door) -> None:
    with FakeOllama(answer(thinking("Hm."), "Hel", "lo")) as fake, Client(fake.url, model="m") as client:
        talk = Conversation(client)
        found: list[tuple[Message, ...]] = []
        stream = talk.say("Hi").pipe(ops.do_action(on_completed=lambda: found.append(talk.messages)))
        assert door.subscribe(stream).wait().text == "Hello"
        assert found == [(USER, Message("assistant", "Hello", "Hm."))]


def test_the_next_request_has_the_history_with_thinking(door: Door) -> None:
    with FakeOllama(answer(thinking("Hm."), "Hello")) as fake, Client(fake.url, model="m") as client:
        talk = Conversation(client, system="Be brief.")
        for text in ("Hi", "And?"):
            door.subscribe(talk.say(text)).wait()
        assert messages_of(chats(fake)[1]) == [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "content": "Hello", "thinking": "Hm."},
            {"role": "user", "content": "And?"},
        ]


def test_an_empty_answer_is_an_answer() -> None:
    with FakeOllama(answer()) as fake, Client(fake.url, model="m") as client:
        talk = Conversation(client)
        talk.say("").run()
        assert said(talk) == [("user", "", False), ("assistant", "", False)]


def test_a_disposed_answer_is_kept_as_far_as_it_has_arrived(door: Door) -> None:
    gate = Gate()
    with FakeOllama(answer("Hel", gate, "lo")) as fake, Client(fake.url, model="m") as client:
        talk = Conversation(client)
        seen = door.subscribe(talk.say("Hi"))
        assert seen.started.wait(5)
        door.call(seen.dispose)
        assert said(talk) == [("user", "Hi", False), ("assistant", "Hel", True)]
        fake.wait_for_disconnect()
        gate.open()


def test_a_turn_without_any_answer_leaves_the_history_as_it_was(door: Door) -> None:
    gate = Gate()
    with FakeOllama(answer(gate, "Hello")) as fake, Client(fake.url, model="m") as client:
        talk = Conversation(client, system="Be brief.")
        before = talk.messages
        seen = door.subscribe(talk.say("Hi"))
        fake.wait_for_request()
        assert talk.messages == before
        door.call(seen.dispose)
        assert talk.messages == before
        fake.wait_for_disconnect()
        gate.open()


def test_an_error_before_the_first_chunk_leaves_the_history_as_it_was(door: Door) -> None:
    with FakeOllama(error_status(400, "no tools")) as fake, Client(fake.url, model="m") as client:
        talk = Conversation(client, tools=[weather])
        seen = door.subscribe(talk.say("Hi")).wait()
        assert (type(seen.errors[0]), talk.messages) == (StatusError, ())


def test_an_error_in_the_answer_keeps_what_has_arrived_without_its_calls(door: Door) -> None:
    script = answer("Hel", tool_call("weather"), midstream_error("out of memory"))
    with FakeOllama(script) as fake, Client(fake.url, model="m") as client:
        talk = Conversation(client, tools=[weather])
        found: list[tuple[Message, ...]] = []
        stream = talk.say("Hi").pipe(ops.do_action(on_error=lambda _: found.append(talk.messages)))
        seen = door.subscribe(stream).wait()
        assert isinstance(seen.errors[0], ServerError)
        assert found == [(USER, Message("assistant", "Hel", cut=True))]


def test_a_cut_answer_with_nothing_but_calls_leaves_the_history_as_it_was() -> None:
    script = answer(tool_call("weather"), midstream_error("out of memory"))
    with FakeOllama(script) as fake, Client(fake.url, model="m") as client:
        talk = Conversation(client, tools=[weather])
        with pytest.raises(ServerError):
            talk.say("Hi").run()
        assert talk.messages == ()


def test_an_answer_that_is_disposed_at_its_last_chunk_is_complete() -> None:
    with (
        FakeOllama(answer("Hello", tool_call("weather", id="1"))) as fake,
        Client(fake.url, model="m") as client,
    ):
        talk = Conversation(client, tools=[weather])
        talk.say("Hi").pipe(ops.take_while(is_not_last)).run()
        assert [(it.role, it.cut) for it in talk.messages] == [
            ("user", False),
            ("assistant", False),
            ("tool", False),
        ]
        assert talk.messages[2].content.startswith("no result")
        assert problems_of_history(talk.messages) == []


def test_messages_in_mid_turn_are_what_the_history_would_be(door: Door) -> None:
    gate = Gate()
    with FakeOllama(answer("Hel", gate, "lo")) as fake, Client(fake.url, model="m") as client:
        talk = Conversation(client)
        seen = door.subscribe(talk.say("Hi"))
        assert seen.started.wait(5)
        assert said(talk) == [("user", "Hi", False), ("assistant", "Hel", True)]
        assert talk.fork().messages == talk.messages
        gate.open()
        seen.wait()
        assert said(talk) == [("user", "Hi", False), ("assistant", "Hello", False)]


def test_a_second_turn_while_one_runs_is_an_error_and_disturbs_nothing(door: Door) -> None:
    gate = Gate()
    with FakeOllama(answer("Hel", gate, "lo")) as fake, Client(fake.url, model="m") as client:
        talk = Conversation(client)
        first = door.subscribe(talk.say("Hi"))
        assert first.started.wait(5)
        second = door.subscribe(talk.say("Wait").pipe(op.gather_stats(lambda _: None))).wait()
        assert isinstance(second.errors[0], RuntimeError)
        assert "a turn of this conversation is running" in str(second.errors[0])
        gate.open()
        first.wait()
        assert [it.content for it in talk.messages] == ["Hi", "Hello"]
        assert len(chats(fake)) == 1


def test_two_subscriptions_of_one_say_are_two_turns() -> None:
    with FakeOllama(strict) as fake, Client(fake.url, model="m") as client:
        talk = Conversation(client)
        stream = talk.say("Hi").pipe(op.text(), op.join_text())
        assert [stream.run(), stream.run()] == ["fine", "fine"]
        assert [it.content for it in talk.messages] == ["Hi", "fine", "Hi", "fine"]


def test_a_new_turn_may_begin_when_the_terminal_event_arrives(door: Door) -> None:
    with FakeOllama(strict) as fake, Client(fake.url, model="m") as client:
        talk = Conversation(client)
        stream = talk.say("One").pipe(ops.concat(talk.say("Two"), talk.say("Three")))
        assert door.subscribe(stream).wait().text == "finefinefine"
        assert [it.content for it in talk.messages[::2]] == ["One", "Two", "Three"]


def test_a_new_turn_may_begin_in_the_callback_of_the_end() -> None:
    with FakeOllama(strict) as fake, Client(fake.url, model="m") as client:
        talk = Conversation(client)
        over = threading.Event()
        errors: list[Exception] = []

        def go_on() -> None:
            talk.say("Two").subscribe(on_error=errors.append, on_completed=over.set)

        talk.say("One").subscribe(on_completed=go_on)
        assert over.wait(5), errors
        assert [it.content for it in talk.messages] == ["One", "fine", "Two", "fine"]


def test_a_new_turn_may_begin_in_the_callback_of_an_error(door: Door) -> None:
    with FakeOllama(error_status(500, "no"), strict) as fake, Client(fake.url, model="m") as client:
        talk = Conversation(client)
        stream = talk.say("One").pipe(ops.catch(lambda _error, _source: talk.say("Two")))
        assert door.subscribe(stream).wait().text == "fine"


def test_a_retry_is_a_turn_of_its_own(door: Door) -> None:
    with (
        FakeOllama(error_status(503, "busy"), answer("Hello")) as fake,
        Client(fake.url, model="m") as client,
    ):
        talk = Conversation(client)
        door.subscribe(talk.say("Hi").pipe(op.retry_unstarted(wait=0))).wait()
        assert [it.content for it in talk.messages] == ["Hi", "Hello"]
        assert len(chats(fake)) == 2


def test_take_keeps_what_was_taken() -> None:
    with FakeOllama(answer("a", "b", "c")) as fake, Client(fake.url, model="m") as client:
        talk = Conversation(client)
        talk.say("Hi").pipe(ops.take(1)).run()
        assert said(talk) == [("user", "Hi", False), ("assistant", "a", True)]


def test_a_stop_word_has_the_answer_in_the_history_before_the_end(door: Door) -> None:
    with FakeOllama(answer("a", "END", "c", Gate())) as fake, Client(fake.url, model="m") as client:
        talk = Conversation(client)
        found: list[tuple[Message, ...]] = []
        stopped = talk.say("Hi").pipe(op.text(), op.stop_at("END"))
        door.subscribe(stopped.pipe(ops.do_action(on_completed=lambda: found.append(talk.messages)))).wait()
        fake.wait_for_disconnect()
        assert found == [(USER, Message("assistant", "aEND", cut=True))]


def test_an_exception_of_the_subscriber_keeps_what_it_has_received(door: Door) -> None:
    def fail(_: Chunk) -> None:
        raise KeyError("mine")

    with FakeOllama(answer("a", Gate())) as fake, Client(fake.url, model="m") as client:
        talk = Conversation(client)
        seen = door.subscribe(talk.say("Hi"), hook=fail).wait()
        assert isinstance(seen.errors[0], KeyError)
        assert said(talk) == [("user", "Hi", False), ("assistant", "a", True)]


def test_it_works_with_deliver_and_iterate() -> None:
    with FakeOllama(strict) as fake, Client(fake.url, model="m") as client:
        talk = Conversation(client)
        texts = Collector[str]()
        deliver(talk.say("One"), texts.after(op.text())).wait()
        for _ in iterate(talk.say("Two")):
            break
        assert "".join(chunk.text for chunk in iterate(talk.say("Three"))) == "fine"
        assert problems_of_history(talk.messages) == []
        assert [it.content for it in talk.messages[::2]] == ["One", "Two", "Three"]


def test_the_chunks_of_all_rounds_are_emitted_and_the_history_has_the_results(door: Door) -> None:
    with FakeOllama(calls_weather) as fake, Client(fake.url, model="m") as client:
        talk = Conversation(client, tools=[weather])
        seen = door.subscribe(talk.say("Weather?")).wait()
        assert seen.text == "Let me see. \n\nIt rains."
        assert [it.role for it in talk.messages] == ["user", "assistant", "tool", "assistant"]
        sent = messages_of(chats(fake)[1])
        assert sent[1]["tool_calls"] == [
            {"id": "1", "function": {"index": 0, "name": "weather", "arguments": {"city": "Ulm"}}}
        ]
        assert sent[2] == {
            "role": "tool",
            "content": "rain in Ulm",
            "tool_name": "weather",
            "tool_call_id": "1",
        }


def test_tool_results_are_emitted_if_asked_for(door: Door) -> None:
    with FakeOllama(calls_weather) as fake, Client(fake.url, model="m") as client:
        talk = Conversation(client, tools=[weather])
        seen = door.subscribe(talk.say("Weather?", tool_results=True)).wait()
        results = [item for item in seen.items if isinstance(item, ToolResult)]
        assert [(it.call.name, it.content, it.error) for it in results] == [("weather", "rain in Ulm", None)]


def test_a_blank_line_is_between_the_texts_of_two_answers_and_nowhere_else(door: Door) -> None:
    call = tool_call("weather", {"city": "Ulm"})
    script = (answer("One.", call), answer(call), answer("Two.\n", call), answer("Three", "."))
    with FakeOllama(*script) as fake, Client(fake.url, model="m") as client:
        talk = Conversation(client, tools=[weather])
        seen = door.subscribe(talk.say("Weather?")).wait()
        assert seen.text == "One.\n\nTwo.\nThree."
        texts = [it.content for it in talk.messages if it.role == "assistant"]
        assert texts == ["One.", "", "Two.\n", "Three."]


def test_results_between_the_chunks_print_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with FakeOllama(calls_weather) as fake, Client(fake.url, model="m") as client:
        talk = Conversation(client, tools=[weather])
        deliver(talk.say("Weather?", tool_results=True), Console(thinking=True)).wait()
    assert capsys.readouterr().out == "Let me see. \n\nIt rains.\n"


def test_callbacks_see_the_subscribers_context_variables_in_every_round(door: Door) -> None:
    user = ContextVar("user", default="nobody")
    seen_by: list[str] = []
    over = threading.Event()

    def subscribe() -> None:
        user.set("Ada")
        stream.subscribe(lambda _: seen_by.append(user.get()), on_completed=over.set)

    with FakeOllama(calls_weather) as fake, Client(fake.url, model="m") as client:
        stream = Conversation(client, tools=[weather]).say("Weather?", tool_results=True)
        door.call(subscribe)
        assert over.wait(10)
        assert set(seen_by) == {"Ada"}


def test_statistics_count_all_rounds_once() -> None:
    with FakeOllama(calls_weather) as fake, Client(fake.url, model="m") as client:
        talk = Conversation(client, tools=[weather])
        found: list[Stats] = []
        talk.say("Weather?").pipe(op.gather_stats(found.append)).run()
        assert [(it.characters, it.ended_by) for it in found] == [(23, "stop")]  # with the blank line


def test_a_model_that_never_stops_calling_is_an_error(door: Door) -> None:
    with FakeOllama(always_calls) as fake, Client(fake.url, model="m") as client:
        talk = Conversation(client, tools=[weather], max_rounds=2)
        seen = door.subscribe(talk.say("Weather?")).wait()
        error = seen.errors[0]
        assert isinstance(error, ToolRoundsError)
        assert error.rounds == 2
        contents = [it.content for it in talk.messages if it.role == "tool"]
        assert contents[:2] == ["rain in Ulm"] * 2
        assert contents[2].startswith("no result")
        assert problems_of_history(talk.messages) == []


def test_dispose_while_a_tool_runs_says_so_in_its_result(door: Door) -> None:
    started, release = threading.Event(), threading.Event()

    def slow() -> str:
        started.set()
        release.wait(10)
        return "too late"

    def script(_: Request) -> Reply:
        return answer(tool_call("weather", {"city": "Ulm"}, id="1"), tool_call("slow", id="2"))

    with FakeOllama(script) as fake, Client(fake.url, model="m") as client:
        talk = Conversation(client, tools=[weather, slow])
        seen = door.subscribe(talk.say("Hi", tool_results=True))
        assert started.wait(5)
        door.call(seen.dispose)
        contents = [it.content for it in talk.messages[2:]]
        assert contents[1].startswith("no result")
        release.set()
        assert [it.content for it in talk.messages[2:]] == contents
        assert problems_of_history(talk.messages) == []


@pytest.mark.parametrize("use", [say_more, Conversation.undo])
def test_a_tool_that_needs_the_end_of_its_own_turn_is_told_so(use: Callable[[Conversation], Any]) -> None:
    def nosy() -> object:
        return use(talk)

    def script(request: Request) -> Reply:
        return answer("ok") if last_of(request)["role"] == "tool" else answer(tool_call("nosy", id="1"))

    with FakeOllama(script) as fake, Client(fake.url, model="m") as client:
        talk = Conversation(client, tools=[nosy])
        talk.say("Hi").run()
        assert "a turn of this conversation is running" in talk.messages[2].content


def test_a_tool_may_read_the_history_and_fork_it() -> None:
    def read() -> int:
        return len(talk.messages) + len(talk.fork().messages)

    def script(request: Request) -> Reply:
        return answer("ok") if last_of(request)["role"] == "tool" else answer(tool_call("read", id="1"))

    with FakeOllama(script) as fake, Client(fake.url, model="m") as client:
        talk = Conversation(client, tools=[read])
        talk.say("Hi").run()
        assert talk.messages[2].content == "6"


def test_a_failing_trim_is_the_error_of_the_turn(door: Door) -> None:
    def trim(_: object) -> list[Message]:
        raise KeyError("mine")

    with FakeOllama() as fake, Client(fake.url, model="m") as client:
        talk = Conversation(client, trim=trim)
        seen = door.subscribe(talk.say("Hi")).wait()
        assert (type(seen.errors[0]), talk.messages) == (KeyError, ())
        assert not chats(fake)


def test_a_trim_that_fails_in_a_later_round_keeps_the_earlier_ones(door: Door) -> None:
    def trim(messages: Any) -> Any:
        return messages if len(messages) == 1 else []

    with FakeOllama(calls_weather) as fake, Client(fake.url, model="m") as client:
        talk = Conversation(client, tools=[weather], trim=trim)
        seen = door.subscribe(talk.say("Hi")).wait()
        assert isinstance(seen.errors[0], ValueError)
        assert [it.role for it in talk.messages] == ["user", "assistant", "tool"]


# heard


def test_heard_ends_the_turn_that_runs(door: Door) -> None:
    gate = Gate()
    with FakeOllama(answer("Hello ", gate, "you")) as fake, Client(fake.url, model="m") as client:
        talk = Conversation(client)
        seen = door.subscribe(talk.say("Hi"))
        assert seen.started.wait(5)
        talk.heard("He")
        assert said(talk) == [("user", "Hi", False), ("assistant", "He", True)]
        seen.wait()
        assert (seen.completed, seen.errors, seen.text) == (1, [], "Hello ")
        fake.wait_for_disconnect()
        gate.open()


def test_heard_in_a_callback_ends_the_turn_after_it(door: Door) -> None:
    with FakeOllama(answer("Hello ", "you", Gate())) as fake, Client(fake.url, model="m") as client:
        talk = Conversation(client)
        seen = door.subscribe(talk.say("Hi"), hook=lambda _: talk.heard("He")).wait()
        assert (seen.completed, seen.text) == (1, "Hello ")
        assert said(talk) == [("user", "Hi", False), ("assistant", "He", True)]
        fake.wait_for_disconnect()


def test_heard_does_not_wait_for_a_slow_subscriber() -> None:
    entered, leave = threading.Event(), threading.Event()

    def slow(_: Chunk) -> None:
        entered.set()
        assert leave.wait(5)

    door = Door("threads")
    with FakeOllama(answer("Hello ", "you", Gate())) as fake, Client(fake.url, model="m") as client:
        talk = Conversation(client)
        seen = door.subscribe(talk.say("Hi"), hook=slow)
        assert entered.wait(5)
        talk.heard("He")
        assert not seen.over.is_set()
        leave.set()
        assert (seen.wait().completed, seen.text) == (1, "Hello ")
        fake.wait_for_disconnect()


def test_the_next_turn_may_begin_right_after_heard(door: Door) -> None:
    gate = Gate()
    with FakeOllama(answer("Hello ", gate, "you"), strict) as fake, Client(fake.url, model="m") as client:
        talk = Conversation(client)
        first = door.subscribe(talk.say("Hi"))
        assert first.started.wait(5)
        talk.heard("He")
        assert door.subscribe(talk.say("Stop")).wait().text == "fine"
        first.wait()
        assert [it.content for it in talk.messages] == ["Hi", "He", "Stop", "fine"]
        gate.open()


def test_heard_before_any_answer_keeps_the_users_message(door: Door) -> None:
    gate = Gate()
    with FakeOllama(answer(gate, "Hello")) as fake, Client(fake.url, model="m") as client:
        talk = Conversation(client)
        seen = door.subscribe(talk.say("Hi"))
        fake.wait_for_request()
        talk.heard("")
        assert seen.wait().completed == 1
        assert said(talk) == [("user", "Hi", False), ("assistant", "", True)]
        gate.open()


def test_heard_while_a_tool_runs_ends_the_turn(door: Door) -> None:
    started, release = threading.Event(), threading.Event()

    def slow() -> str:
        started.set()
        release.wait(10)
        return "too late"

    with (
        FakeOllama(answer("Let me see. ", tool_call("slow", id="2"))) as fake,
        Client(fake.url, model="m") as client,
    ):
        talk = Conversation(client, tools=[slow])
        seen = door.subscribe(talk.say("Hi"))
        assert started.wait(5)
        talk.heard("Let me")
        assert seen.wait().completed == 1
        assert [(it.role, it.cut) for it in talk.messages] == [
            ("user", False),
            ("assistant", True),
            ("tool", False),
        ]
        assert talk.messages[1].content == "Let me"
        release.set()
        assert problems_of_history(talk.messages) == []


def test_a_tool_may_say_what_was_heard(door: Door) -> None:
    def interrupt() -> None:
        talk.heard("Let")

    script = answer("Let me see. ", tool_call("interrupt", id="2"))
    with FakeOllama(script) as fake, Client(fake.url, model="m") as client:
        talk = Conversation(client, tools=[interrupt])
        assert door.subscribe(talk.say("Hi")).wait().completed == 1
        assert [it.content for it in talk.messages] == ["Hi", "Let", "no result: the turn ended first"]
        assert problems_of_history(talk.messages) == []


def test_a_call_without_an_id_gets_a_result_without_one() -> None:
    def script(request: Request) -> Reply:
        return answer("ok") if last_of(request)["role"] == "tool" else answer(tool_call("f", id=""))

    def f() -> str:
        return "done"

    with FakeOllama(script) as fake, Client(fake.url, model="m") as client:
        Conversation(client, tools=[f]).say("Hi").run()
        assert last_of(chats(fake)[1]) == {"role": "tool", "content": "done", "tool_name": "f"}


def test_heard_after_tool_rounds_may_be_the_text_of_the_whole_turn() -> None:
    with FakeOllama(calls_weather) as fake, Client(fake.url, model="m") as client:
        talk = Conversation(client, tools=[weather])
        for heard in ("Let me see. It", "It"):
            talk.say("Weather?").run()
            talk.heard(heard)
            talk.heard(heard)
            last = talk.messages[-1]
            assert (last.content, last.cut) == ("It", True)
            assert talk.messages[-3].content == "Let me see. "


def test_heard_without_an_answer_is_an_error() -> None:
    with FakeOllama(error_status(500, "no")) as fake, Client(fake.url, model="m") as client:
        talk = Conversation(client)
        with pytest.raises(RuntimeError, match=r"^heard: there is no answer yet$"):
            talk.heard("He")
        talk = Conversation(client, messages=[USER, Message("assistant", "Hello")])
        with pytest.raises(StatusError):
            talk.say("And?").run()
        talk.heard("")  # nothing was said and nothing heard: this is not about the answer before
        with pytest.raises(RuntimeError, match=r"^heard: there is no answer yet$"):
            talk.heard("He")
        assert talk.messages[-1].content == "Hello"


def test_an_exception_in_the_callback_of_the_end_is_not_lost() -> None:
    reported: list[object] = []

    def fail() -> None:
        raise KeyError("mine")

    async def main() -> None:
        loop = asyncio.get_running_loop()
        over = loop.create_future()

        def report(_: object, context: dict[str, object]) -> None:
            reported.append(context["exception"])
            over.set_result(None)

        loop.set_exception_handler(report)
        talk.say("Hi").subscribe(on_completed=fail)
        await over

    with FakeOllama(strict) as fake, Client(fake.url, model="m") as client:
        talk = Conversation(client)
        asyncio.run(asyncio.wait_for(main(), 10))
        assert [type(error) for error in reported] == [KeyError]
        assert len(talk.messages) == 2


class _Unstoppable(Observable[Chunk]):
    """Sends a chunk again whenever the test wants, also after it was disposed."""

    def __init__(self) -> None:
        super().__init__()
        self.send: Callable[[Chunk], object] = noop
        self.complete: Callable[[], object] = noop

    def subscribe(self, on_next: Any = None, *more: Any, **_: Any) -> DisposableBase:
        self.send, self.complete = on_next, more[1]
        return Disposable()


def plan_of(history: History, source: Observable[Chunk]) -> TurnPlan:
    return TurnPlan(
        history=history,
        user=USER,
        trim=tuple,
        ask=lambda _: source,
        tokens=TokenCount(),
        tokens_limit=TokensLimit(Client("http://127.0.0.1:9"), {"num_ctx": 1}),
        tools=ToolRunner((), None),
        max_rounds=1,
        with_results=False,
    )


def test_events_that_were_under_way_when_the_turn_was_ended_are_dropped() -> None:
    history, source = History(()), _Unstoppable()
    plan = plan_of(history, source)
    seen = Seen()

    def hear_and_send(_: Chunk) -> None:
        history.hear("He")
        source.send(Chunk({"response": "later"}))
        source.complete()

    seen.hook = hear_and_send
    TurnStream(plan).subscribe(seen.on_next, seen.on_error, seen.on_completed)
    source.send(Chunk({"response": "Hello"}))
    assert (seen.wait().text, seen.completed) == ("Hello", 1)
    assert history.messages == (USER, Message("assistant", "He", cut=True))


def test_heard_after_the_loop_of_the_turn_was_closed_does_nothing_more() -> None:
    loop = asyncio.new_event_loop()
    history, source = History(()), _Unstoppable()
    plan = plan_of(history, source)
    TurnStream(plan).subscribe(scheduler=AsyncIOScheduler(loop))
    loop.close()
    history.hear("")
    assert history.messages == (USER, Message("assistant", "", cut=True))


# tokens


def test_tokens_are_counted_and_the_limit_is_found_while_the_model_answers(door: Door) -> None:
    gate = Gate()
    script = answer("Hel", gate, "lo", metrics={"prompt_eval_count": 40, "eval_count": 2})
    with FakeOllama(script) as fake, Client(fake.url, model="echo") as client:
        talk = Conversation(client)
        assert (talk.tokens_used, talk.tokens_limit, talk.cut_by_server) == (None, None, False)
        seen = door.subscribe(talk.say("Hi"))
        assert eventually(lambda: talk.tokens_limit == 4096)
        gate.open()
        seen.wait()
        assert (talk.tokens_used, talk.cut_by_server) == (42, False)
        door.subscribe(talk.say("Hi")).wait()
        assert [request.path for request in fake.requests].count("/api/ps") == 1


def test_a_limit_in_the_options_is_not_asked_for() -> None:
    with FakeOllama(calls_weather) as fake, Client(fake.url, model="m") as client:
        talk = Conversation(client, tools=[weather], options={"num_ctx": 8192})
        assert talk.tokens_limit == 8192
        talk.say("Weather?").run()
        assert [request.path for request in fake.requests] == ["/api/chat"] * 2


def test_the_question_for_the_limit_ends_with_the_turn(door: Door) -> None:
    gate, asked = Gate(), Gate()
    never = {"/api/ps": Reply(lambda _: [gate])}
    with FakeOllama(answer("Hel", asked, "lo"), on=never) as fake, Client(fake.url, model="m") as client:
        talk = Conversation(client)
        seen = door.subscribe(talk.say("Hi"))
        fake.wait_for_request(path="/api/ps")
        asked.open()
        assert seen.wait().completed == 1
        fake.wait_for_disconnect()
        assert talk.tokens_limit is None
        gate.open()


def test_a_server_that_does_not_tell_the_limit_disturbs_nothing(door: Door) -> None:
    gate = Gate()
    silent = {"/api/ps": error_status(500, "no")}
    with FakeOllama(answer("Hel", gate, "lo"), on=silent) as fake, Client(fake.url, model="m") as client:
        talk = Conversation(client)
        seen = door.subscribe(talk.say("Hi"))
        fake.wait_for_request(path="/api/ps")
        gate.open()
        assert (seen.wait().text, seen.errors, talk.tokens_limit) == ("Hello", [], None)


def test_a_server_that_drops_messages_is_noticed() -> None:
    replies = [answer("x", metrics={"prompt_eval_count": count, "eval_count": 1}) for count in (100, 200, 90)]
    with FakeOllama(*replies) as fake, Client(fake.url, model="m") as client:
        talk = Conversation(client, options={"num_ctx": 256})
        found: list[bool] = []
        for _ in replies:
            talk.say("Hi").run()
            found.append(talk.cut_by_server)
        assert found == [False, False, True]
        assert talk.fork().cut_by_server
