"""The listener interrupts an answer: the model learns exactly what was heard."""

import asyncio
from typing import cast

from ollama_rx import Client, Conversation, deliver
from ollama_rx import operators as op
from ollama_rx.sinks import Collector
from ollama_rx.speech import Speech
from ollama_rx.testing import FakeOllama, answer, endless
from tests.speech.voices import TIMEOUT, Letters, Turntable

ANSWER = "Rome has **seven** hills.\n\nThe first"


def messages(fake: FakeOllama) -> list[dict[str, object]]:
    histories = [request.json["messages"] for request in fake.requests if request.path == "/api/chat"]
    return cast("list[dict[str, object]]", histories[-1])


def test_what_the_listener_has_heard_is_what_the_next_request_says() -> None:
    with (
        FakeOllama(answer(ANSWER, endless(" hill")), answer("Yes?")) as fake,
        Client(fake.url, model="m") as client,
    ):
        turntable = Turntable()
        voice, talk, text = Speech(Letters(), turntable), Conversation(client), Collector[str]()
        delivery = deliver(
            talk.say("Tell me about Rome."),
            text.after(op.text()),
            voice.after(op.text(), op.split_sentences()),
        )
        turntable.turn(1.3)  # "Rome has seven"

        talk.heard(voice.interrupt())
        delivery.wait(TIMEOUT)
        talk.say("Seven?").run()

        assert messages(fake) == [
            {"role": "user", "content": "Tell me about Rome."},
            {"role": "assistant", "content": "Rome has **seven**"},
            {"role": "user", "content": "Seven?"},
        ]
        fake.wait_for_disconnect(1)


def test_the_white_space_between_sentences_is_that_of_the_answer() -> None:
    with FakeOllama(answer(ANSWER), answer("Yes?")) as fake, Client(fake.url, model="m") as client:
        turntable = Turntable()
        voice, talk = Speech(Letters(), turntable, pause=0), Conversation(client)
        delivery = deliver(talk.say("Tell me."), voice.after(op.text(), op.split_sentences()))
        turntable.turn(2.1)  # "Rome has seven hills. The"
        talk.heard(voice.interrupt())
        delivery.wait(TIMEOUT)
        assert talk.messages[-1].content == "Rome has **seven** hills.\n\nThe"


def test_a_conversation_goes_on_after_a_false_alarm() -> None:
    with FakeOllama(answer("One two. Three. Four.")) as fake, Client(fake.url, model="m") as client:
        turntable = Turntable()
        engine = Letters(wait_at="Three.")
        voice, talk = Speech(engine, turntable, pause=0, ahead=1), Conversation(client)
        delivery = deliver(talk.say("Count."), voice.after(op.text(), op.split_sentences()))
        turntable.turn(0.4)
        assert engine.waits.wait(TIMEOUT)
        assert voice.interrupt(resume=True) == "One"
        turntable.turn(9.0, least=0.0)
        delivery.wait(TIMEOUT)
        assert talk.messages[-1].content == "One two. Three. Four."
        talk.heard(voice.interrupt())
        assert talk.messages[-1].content == "One Three. Four."


def test_an_interruption_on_an_event_loop() -> None:
    async def main(fake: FakeOllama) -> None:
        async with Client(fake.url, model="m") as client:
            turntable = Turntable()
            voice, talk = Speech(Letters(), turntable), Conversation(client)
            delivery = deliver(talk.say("Tell me."), voice.after(op.text(), op.split_sentences()))
            await asyncio.to_thread(turntable.turn, 0.8)
            talk.heard(voice.interrupt())
            await delivery
            await talk.say("Rome?")
            assert messages(fake)[1] == {"role": "assistant", "content": "Rome has"}

    with FakeOllama(answer(ANSWER, endless(" hill")), answer("Yes?")) as fake:
        asyncio.run(main(fake))
