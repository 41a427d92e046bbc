"""One turn: what is printed, and what stays in the history."""

import os
import select
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest

from ollama_rx.cli.ask import answer_interrupt
from ollama_rx.sinks import Console, StopSink
from ollama_rx.testing import (
    FakeOllama,
    answer,
    cut,
    endless,
    error_status,
    json_reply,
    midstream_error,
    pause,
    thinking,
)
from tests.cli.chat.conftest import TypedChat
from tests.cli.chat.test_chat import BANNER
from tests.cli.chat.typist import asked, press_ctrl_c, said

CtrlCAt = Callable[[str], None]


def after_request(fake: FakeOllama) -> Callable[..., Any]:
    """Return a reply to which Ctrl-C is pressed when it was asked for, and which never comes."""

    def reply(_: object) -> Any:
        press_ctrl_c()
        return answer(pause(60), "never")

    del fake
    return reply


def test_an_answer_that_is_stopped_stays_in_the_history_as_far_as_it_was_shown(
    typed: TypedChat, fake: FakeOllama, ctrl_c_at: CtrlCAt
) -> None:
    ctrl_c_at("night. ")
    fake.play(answer("It was ", "night. ", endless("And so on. ", every=0.02)), answer("Yes."))
    chat = typed("Tell", "Go on")
    shown, last = chat.out.removesuffix("\n").split("\n")
    assert last == "Yes."
    assert shown.startswith("It was night. ")
    assert said(fake) == [("user", "Tell"), ("assistant", shown), ("user", "Go on")]
    assert chat.err == BANNER + "stopped; the history keeps the answer as far as it was shown\n"
    fake.wait_for_disconnect()


def test_what_has_arrived_but_was_not_shown_is_not_in_the_history(
    typed: TypedChat, fake: FakeOllama, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ollama_rx.cli.chat import printed_answer  # noqa: PLC0415 - patched

    class Slow(printed_answer._ShownText):
        def on_next(self, value: Any) -> None:
            if value == "two ":
                press_ctrl_c()
                self.text  # noqa: B018 - the piece is never printed
                return
            super().on_next(value)

    monkeypatch.setattr(printed_answer, "_ShownText", Slow)
    fake.play(answer("one ", "two ", pause(60)), answer("Yes."))
    typed("Count", "Go on")
    assert said(fake) == [("user", "Count"), ("assistant", "one "), ("user", "Go on")]


def test_ctrl_c_before_the_answer_begins_takes_the_message_back_and_offers_it_again(
    typed: TypedChat, fake: FakeOllama
) -> None:
    fake.play(after_request(fake), answer("Yes."))
    chat = typed("Hi", "Hello")
    assert said(fake) == [("user", "Hello")]
    assert chat.err == BANNER + "stopped before the answer began; your message is not in the history\n"
    assert chat.drafts == ["", "Hi", ""]
    fake.wait_for_disconnect()


def test_ctrl_c_before_anything_is_asked_offers_the_message_again(
    typed: TypedChat, fake: FakeOllama, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("ollama_rx.cli.chat.message_loop.read_attachments", interrupted)
    chat = typed("Hi")
    assert chat.err == BANNER + "stopped before the answer began; your message is not in the history\n"
    assert chat.drafts == ["", "Hi"]
    assert asked(fake) == []


def test_ctrl_c_just_after_the_answer_changes_nothing(
    typed: TypedChat, fake: FakeOllama, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ollama_rx.cli.chat.chat_turn import ChatTurn  # noqa: PLC0415 - patched

    take = ChatTurn.take

    def interrupted(turn: ChatTurn, *message: Any) -> Any:
        take(turn, *message)
        monkeypatch.setattr(ChatTurn, "take", take)
        raise KeyboardInterrupt

    monkeypatch.setattr(ChatTurn, "take", interrupted)
    fake.play(answer("Yes."))
    chat = typed("Hi", "Hello")
    assert chat.drafts == ["", "", ""]
    assert len(said(fake)) == 3
    assert chat.err == BANNER


def test_ctrl_c_does_not_wait_for_an_output_that_nobody_reads(
    typed: TypedChat, fake: FakeOllama, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = threading.Event()
    print_text = Console._print_text

    def print_or_block(console: Console, text: str) -> None:
        if text == "One ":
            press_ctrl_c()
            assert blocked.wait(60)
        else:
            print_text(console, text)

    monkeypatch.setattr(answer_interrupt, "_CLOSING_SECONDS", 0.0)
    monkeypatch.setattr(Console, "_print_text", print_or_block)
    fake.play(answer("One ", pause(60)), answer("Yes."))

    chat = typed("Hi", "Hello")
    blocked.set()
    assert said(fake) == [("user", "Hello")]
    assert chat.err == BANNER + "stopped before the answer began; your message is not in the history\n"
    assert chat.out == "Yes.\n"


def test_ctrl_c_while_the_model_thinks_takes_the_message_back(
    typed: TypedChat, fake: FakeOllama, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ollama_rx.cli.ask import thoughts  # noqa: PLC0415 - patched

    class Watched(thoughts.Thoughts):
        def show(self, chunk: Any) -> None:
            super().show(chunk)
            if chunk.thinking:
                press_ctrl_c()

    monkeypatch.setattr("ollama_rx.cli.chat.printed_answer.Thoughts", Watched)
    fake.play(json_reply({"capabilities": ["completion", "thinking"]}), path="/api/show")
    fake.play(answer(thinking("Hm."), pause(60), "never"), answer("Yes."))
    chat = typed("Hi", "Hello", options=("-m", "mine", "--think"))
    assert said(fake) == [("user", "Hello")]
    assert "Hm.\nstopped before the answer began; " in chat.err


def test_thoughts_are_shown_above_the_answer(typed: TypedChat, fake: FakeOllama) -> None:
    fake.play(json_reply({"capabilities": ["completion", "thinking"]}), path="/api/show")
    fake.play(answer(thinking("Hm."), "Yes."), answer("<think>Hm?</think>", "No."))
    chat = typed("Hi", "Really?", options=("-m", "mine", "--think"))
    assert (chat.out, chat.err) == ("Yes.\nNo.\n", BANNER + "Hm.\nHm?\n")


def test_thoughts_that_are_not_wanted_are_not_shown(typed: TypedChat, fake: FakeOllama) -> None:
    fake.play(answer(thinking("Hm."), "Yes."), answer(thinking("Hm.")))
    chat = typed("Hi", "Really?")
    assert (chat.out, chat.err) == ("Yes.\n", BANNER + "no answer: only thoughts\n")


@pytest.mark.parametrize("end", [cut(), midstream_error("out of memory")])
def test_an_answer_that_breaks_off_is_one_line_and_what_arrived_stays(
    typed: TypedChat, fake: FakeOllama, end: Any
) -> None:
    fake.play(answer("It was", end), answer("Yes."))
    chat = typed("Tell", "Go on")
    assert chat.out == "It was\nYes.\n"
    assert said(fake) == [("user", "Tell"), ("assistant", "It was"), ("user", "Go on")]
    assert chat.err.removeprefix(BANNER).startswith("ollama-rx: the server ")
    assert chat.err.count("\n") == 2
    assert chat.drafts == ["", "", ""]


def test_a_message_that_could_not_be_sent_is_offered_again(typed: TypedChat, fake: FakeOllama) -> None:
    fake.play(error_status(503), answer(thinking("Hm."), cut()), answer("Yes."))
    chat = typed("Hi", "Hi", "Hello")
    assert chat.drafts == ["", "Hi", "Hi", ""]
    assert said(fake) == [("user", "Hello")]
    assert chat.err.count("ollama-rx: ") == 2


def test_it_is_not_offered_in_the_middle_of_what_was_typed_meanwhile(
    typed: TypedChat, fake: FakeOllama, keyboard: int
) -> None:
    def reply(_: object) -> Any:
        os.write(keyboard, b"x")
        select.select([sys.stdin], [], [], 30)
        return error_status(500)

    fake.play(reply)
    assert typed("Hi").drafts == ["", ""]


def test_a_history_that_does_not_fit_is_told_once(typed: TypedChat, fake: FakeOllama) -> None:
    fake.play(
        *(answer("Yes.", metrics={"prompt_eval_count": count, "eval_count": 1}) for count in (50, 90, 40, 30))
    )
    chat = typed("One", "Two", "Three", "Four", "/stats")
    note = (
        "the conversation no longer fits into the context of mine: "
        "the server leaves out the oldest messages\n"
    )
    assert chat.err.count(note) == 1
    assert "left out  the oldest messages" in chat.err


def test_a_full_disk_is_one_line(typed: TypedChat, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("ollama_rx.cli.chat.printed_answer._ShownText.on_next", full)
    chat = typed("Hi")
    assert chat.err == BANNER + "ollama-rx: sink _ShownText failed: No space left on device\n"


def test_a_closed_pipe_ends_the_chat(
    typed: TypedChat, fake: FakeOllama, monkeypatch: pytest.MonkeyPatch
) -> None:
    print_text = Console._print_text

    def closed(console: Console, text: str) -> None:
        if text == "Hello":
            raise StopSink
        print_text(console, text)

    monkeypatch.setattr(Console, "_print_text", closed)
    fake.play(answer("Hello", endless()))
    chat = typed("Hi", "never")
    assert (chat.err, chat.exit_code) == (BANNER, 0)
    assert len(asked(fake)) == 1
