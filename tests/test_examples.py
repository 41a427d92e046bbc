"""Every example does what its docstring says, against a scripted server."""

import asyncio
import json
import os
import re
import runpy
import shutil
import socket
import sys
import wave
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from faststream.kafka import TestKafkaBroker
from websockets.sync.client import ClientConnection, connect

from ollama_rx.embedded import fetch_weights
from ollama_rx.testing import (
    FakeOllama,
    Gate,
    Reply,
    Request,
    answer,
    cut,
    endless,
    error_status,
    json_reply,
    thinking,
    tool_call,
    tool_calls,
)
from tests.brokers import broker_process
from tests.bus.event_streams import stored
from tests.bus.nats_process import NatsProcess
from tests.conversation.strict_model import chats
from tests.docs.bus_programs import bus_for
from tests.web.serving import served

FOLDER = Path(__file__).parents[1] / "examples"
LLAMA = json_reply({"models": [{"name": "llama3.2:latest", "model": "llama3.2:latest", "digest": "a"}]})
TWO_SENTENCES = ["It is deep.", "It is blue."]
EXAMPLES = sorted(path.name for path in FOLDER.glob("*.py"))


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeOllama]:
    with FakeOllama() as server:
        monkeypatch.setenv("OLLAMA_HOST", server.url)
        yield server


@pytest.fixture
def example(capsys: pytest.CaptureFixture[str]) -> "ExampleRunner":
    return ExampleRunner(capsys)


class ExampleRunner:
    """Runs an example and returns what it printed."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def output_of(self, name: str) -> str:
        runpy.run_path(str(FOLDER / name), run_name="__main__")
        output = self._capsys.readouterr()
        assert output.err == ""
        return output.out

    def lines_of(self, name: str) -> list[str]:
        return self.output_of(name).splitlines()


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_short_has_a_docstring_and_is_tested_here(name: str) -> None:
    lines = (FOLDER / name).read_text(encoding="utf-8").splitlines()
    assert len(lines) < 40
    assert lines[0].startswith('"""')
    assert f'"{name}"' in Path(__file__).read_text(encoding="utf-8")


def test_the_numbers_are_in_order_without_gaps() -> None:
    assert [int(name[:2]) for name in EXAMPLES] == list(range(1, len(EXAMPLES) + 1))


def test_generate(fake: FakeOllama, example: ExampleRunner) -> None:
    fake.play(answer("Because", " of air."))
    assert example.output_of("01_generate.py") == "Because of air.\n"
    assert fake.requests[0].json["prompt"] == "Why is the sky blue?"


def test_chat(
    fake: FakeOllama, example: ExampleRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    fake.play(answer("Hello", " Ada."), answer("Ada."))
    assert example.lines_of("02_chat.py")[-1] == "assistant: Ada."
    said = ["You answer in one sentence.", "My name is Ada.", "Hello Ada.", "What is my name?"]
    assert contents(chats(fake)[1]) == said
    fake.play(answer("Hello again."), answer("Still Ada."))
    assert example.lines_of("02_chat.py")[-1] == "assistant: Still Ada."
    assert contents(chats(fake)[-1]) == [
        *said,
        "Ada.",
        "My name is Ada.",
        "Hello again.",
        "What is my name?",
    ]


def contents(request: Request) -> list[str]:
    """Return what the messages of a request say."""
    return [message["content"] for message in cast(list[Any], request.json["messages"])]


def test_sentences(fake: FakeOllama, example: ExampleRunner) -> None:
    fake.play(answer("It is 3.", "5 km wide, Dr. Le", "e says. The end is near", "."))
    assert example.lines_of("03_sentences.py") == [
        "speaking: It is 3.5 km wide, Dr. Lee says.",
        "speaking: The end is near.",
    ]


def test_stop_words(fake: FakeOllama, example: ExampleRunner) -> None:
    fake.play(answer("ten, ", "eleven, ", "twe", "lve, ", endless("and on ")))
    assert example.output_of("04_stop_words.py") == "ten, eleven, \n"
    fake.wait_for_disconnect()


def test_context(fake: FakeOllama, example: ExampleRunner) -> None:
    fake.play(answer("Hello.", context=[1, 2, 3]), answer("Ada.", context=[1, 2, 3, 4]))
    assert example.lines_of("05_context.py")[-1] == "(<ContextBox 4 tokens>)"
    assert [request.json.get("context") for request in fake.requests] == [None, [1, 2, 3]]


def test_stats(fake: FakeOllama, example: ExampleRunner) -> None:
    fake.play(answer("Red"), answer("A ", "cat", done_reason="length"))
    lines = example.lines_of("06_stats.py")
    assert lines[:3] == [
        "llama3.2: ended by stop, 3 characters",
        "llama3.2: ended by length, 5 characters",
        "2 answers, 3 tokens",
    ]
    assert re.fullmatch(r"95 % of the first words came within \d+\.\d{3} s", lines[3])


def test_fan_out(fake: FakeOllama, example: ExampleRunner) -> None:
    fake.play(answer("It is deep. I", "t is blue."))
    assert example.lines_of("07_fan_out.py") == [
        "It is deep. It is blue.",
        "6 words; as sentences in the file:",
        '"It is deep."',
        '"It is blue."',
    ]
    assert len(fake.requests) == 1


def test_cancel(fake: FakeOllama, example: ExampleRunner) -> None:
    fake.play(answer(endless("and on ", every=0.001)))
    (line,) = example.lines_of("08_cancel.py")
    found = re.fullmatch(r"cancelled after (\d+) characters; complete: False", line)
    assert found
    assert int(found[1]) > 100
    fake.wait_for_disconnect()


def test_retry(fake: FakeOllama, example: ExampleRunner) -> None:
    fake.play(error_status(503), error_status(503), answer("Something."))
    assert example.output_of("09_retry.py") == "Something.\n"
    assert len(fake.requests) == 3


def test_after_the_first_words_there_is_no_retry(fake: FakeOllama, example: ExampleRunner) -> None:
    fake.play(answer("Some", cut()))
    lines = example.lines_of("09_retry.py")
    assert lines[0] == "Some"
    assert lines[1].startswith("IncompleteStreamError: ")
    assert len(fake.requests) == 1


def test_asyncio(fake: FakeOllama, example: ExampleRunner) -> None:
    def reply(request: Request) -> Reply:
        counting = request.json["prompt"] == "Count to three."
        return answer("one", " two", endless(" more")) if counting else answer("oak", " elm")

    fake.play(reply)
    assert example.lines_of("10_asyncio.py") == ["[['oak', 'elm'], ['oak', 'elm']]", "'one'", "' two'"]
    fake.wait_for_disconnect()


def test_threads(fake: FakeOllama, example: ExampleRunner) -> None:
    fake.play(lambda request: answer(f"{request.json['prompt']}\n", endless("never read\n")))
    assert example.lines_of("11_threads.py") == [
        f"Describe {city} in one line." for city in ("Paris", "Oslo", "Rome")
    ]
    fake.wait_for_disconnect(3)


def test_starlette(fake: FakeOllama) -> None:
    fake.play(answer("It is blue. I", "t is wide."), answer("One. Two. Three", endless(" more", every=0.01)))
    app = runpy.run_path(str(FOLDER / "12_starlette.py"))["app"]
    with served(app) as url, httpx.Client(base_url=url, trust_env=False) as browser:
        whole = browser.get("/ask", params={"prompt": "The sea?"})
        assert whole.headers["content-type"].startswith("text/event-stream")
        assert data_of(whole.text.splitlines()) == [
            {"text": "It is blue."},
            {"text": "It is wide."},
            {"reason": "completed"},
        ]
        assert fake.requests[0].json["prompt"] == "The sea?"

        with browser.stream("GET", "/ask", params={"prompt": "Count"}) as events:
            assert next(filter(is_data, events.iter_lines())) == 'data: {"text":"One."}'
        fake.wait_for_disconnect()


def is_data(line: str) -> bool:
    return line.startswith("data: ")


def data_of(lines: Iterable[str]) -> list[Any]:
    """Return the data of server-sent events."""
    return [json.loads(line.removeprefix("data: ")) for line in lines if is_data(line)]


def test_structured_output(fake: FakeOllama, example: ExampleRunner) -> None:
    fake.play(answer('{"name": "Oslo", "country"', ': "Norway", "population": 717710}'))
    assert example.output_of("13_structured_output.py") == "Oslo in Norway has 717710 inhabitants\n"
    schema = cast(dict[str, Any], fake.requests[0].json["format"])
    assert set(schema["properties"]) == {"name", "country", "population"}


def test_tools(fake: FakeOllama, example: ExampleRunner) -> None:
    both = tool_calls(
        tool_call("temperature", {"city": "Oslo"}), tool_call("turn_on_heating", {"city": "Oslo"})
    )
    fake.play(answer(both), answer("In Oslo", "."))
    assert example.lines_of("14_tools.py") == [
        "temperature({'city': 'Oslo'})",
        "turn_on_heating({'city': 'Oslo'})",
        "In Oslo.",
    ]
    assert contents(chats(fake)[1])[2:] == ["-3 °C", "refused: the user does not want that"]


def test_tools_of_a_model_without_tools(fake: FakeOllama, example: ExampleRunner) -> None:
    fake.play(error_status(400, "gemma does not support tools"))
    assert example.lines_of("14_tools.py") == [
        "HTTP 400: gemma does not support tools; `ollama show` lists what a model can do"
    ]


def test_thinking(fake: FakeOllama, example: ExampleRunner) -> None:
    fake.play(answer(thinking("7 times 13\n"), thinking("is 91\n"), "No", "."))
    lines = example.lines_of("15_thinking.py")
    assert lines == ["  thinking: 7 times 13", "  thinking: is 91", "No."]


def test_chain(fake: FakeOllama, example: ExampleRunner) -> None:
    def reply(request: Request) -> Reply:
        prompt = str(request.json["prompt"])
        if prompt.startswith("Tell"):
            return answer("The cat sat. It", " slept.")
        return answer("Le chat. " if "cat" in prompt else "Il dort.")

    fake.play(reply)
    assert example.lines_of("16_chain.py") == ["Le chat. ", "Il dort."]
    assert len(fake.requests) == 3


@pytest.mark.embedded
def test_embedded(example: ExampleRunner) -> None:
    fetch_weights()
    assert len(example.output_of("17_embedded.py").split()) > 1


def test_race(fake: FakeOllama, example: ExampleRunner) -> None:
    both_run = Gate()

    def reply(request: Request) -> Reply:
        if request.json["model"] != "llama3.2":
            return answer(both_run, "Because", " of air.")
        both_run.open()
        return answer(Gate(), "never read")

    fake.play(reply)
    assert example.output_of("18_race.py") == "Because of air.\n"
    assert fake.wait_for_disconnect().lines_written == 0


def test_interruption(fake: FakeOllama, example: ExampleRunner) -> None:
    fake.play(answer("The Pantheon ", "is a temple ", endless("and so on ", every=0.001)), answer("Hadrian."))
    printed, answered = example.lines_of("19_interruption.py")
    assert printed == "The Pantheon is a temple and so on and so on and so on and so ..."
    assert answered == "Hadrian."
    assert contents(chats(fake)[1])[2] == printed.removesuffix("...")
    fake.wait_for_disconnect()


@pytest.mark.usefixtures("one_hibari")
def test_voice(
    fake: FakeOllama, example: ExampleRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    fake.play(answer("It is **sal", "ty** water. It", " is deep."))
    text, told = example.lines_of("21_voice.py")
    assert text == "It is **salty** water. It is deep."
    with wave.open("answer.wav") as audio:
        seconds = audio.getnframes() / audio.getframerate()
    assert 1 < seconds < 10
    assert told == f"answer.wav has {seconds:.1f} seconds of speech"


@pytest.mark.usefixtures("one_hibari")
def test_barge_in(fake: FakeOllama, example: ExampleRunner) -> None:
    fake.play(answer("The Pantheon is a temple", endless(" and so on")), answer("Had", "rian."))
    printed, answered = example.output_of("22_barge_in.py").split("...\n\n")
    heard = contents(chats(fake)[1])[2]
    assert printed.startswith(heard)
    assert "The Pantheon is a temple and so on".startswith(heard[:30])
    assert answered == "Hadrian. \n"


@pytest.mark.usefixtures("one_hibari")
def test_pcm_websocket(fake: FakeOllama) -> None:
    fake.play(answer("The sea is blue and wide", endless(", and wide", every=0.01)), answer("Yes."))
    app = runpy.run_path(str(FOLDER / "23_pcm_websocket.py"))["app"]
    with served(app) as url, opened(url, "/speak") as browser:
        browser.send('{"type": "prompt", "text": "Tell me about the sea."}')
        frames = iter(browser.recv, None)
        pcm = list(islice((frame for frame in frames if isinstance(frame, bytes)), 25))
        browser.send('{"type": "interrupt", "played": 0.6}')
        fake.wait_for_disconnect()
        browser.send('{"type": "prompt", "text": "Blue?"}')
        while len(chats(fake)) < 2:
            browser.recv()
    assert max(map(len, pcm)) == 2 * 24_000 * 0.04
    assert contents(chats(fake)[1])[1] in {"The sea", "The sea is"}


def opened(url: str, path: str) -> ClientConnection:
    """Connect to a WebSocket of a server."""
    return connect(url.replace("http", "ws") + path, proxy=None, ping_interval=None)


def test_fastapi_chat(fake: FakeOllama) -> None:
    fake.play(answer("It is wide."), answer("Yes.", endless(" Very.", every=0.01)))
    app = runpy.run_path(str(FOLDER / "25_fastapi_chat.py"))["app"]
    with served(app) as url:
        for prompt in "The sea?", "Blue?":
            with opened(url, "/chats/sea") as browser:
                browser.send(f'{{"type": "prompt", "text": "{prompt}"}}')
                while '"done"' not in (frame := str(browser.recv())) and "Very" not in frame:
                    pass
        fake.wait_for_disconnect()
        said = httpx.get(f"{url}/chats/sea", trust_env=False).json()
        assert httpx.get(f"{url}/chats/sky", trust_env=False).json() == []
    assert [message["role"] for message in said] == ["system", "user", "assistant", "user", "assistant"]
    assert [said[2]["text"], said[4]["text"][:10]] == ["It is wide.", "Yes. Very."]


def test_sse(fake: FakeOllama) -> None:
    fake.play(answer("One", " two", endless(" more", every=0.01)))
    app = runpy.run_path(str(FOLDER / "24_sse.py"))["app"]
    with served(app) as url, httpx.Client(base_url=url, trust_env=False) as browser:
        path = browser.post("/answers", params={"prompt": "Count"}).json()["url"]
        with browser.stream("GET", path) as early, browser.stream("GET", path) as late:
            lines = early.iter_lines()
            last = next(line for line in lines if line.startswith("id: "))
            assert next(filter(is_data, lines)) == 'data: {"text":"One"}'
            assert next(filter(is_data, late.iter_lines())) == 'data: {"text":"One"}'
        with browser.stream("GET", path, headers={"Last-Event-ID": last[4:]}) as back:
            lines = back.iter_lines()
            assert next(filter(is_data, lines)) == 'data: {"text":" two"}'
            assert browser.delete(path).status_code == 204
            assert data_of(lines)[-1] == {"reason": "stopped"}
    fake.wait_for_disconnect()


def test_use_chat(fake: FakeOllama) -> None:
    fake.play(answer(tool_call("temperature", {"city": "Oslo"})), answer("It is cold."))
    app = runpy.run_path(str(FOLDER / "26_use_chat.py"))["app"]
    question = {"id": "q", "role": "user", "parts": [{"type": "text", "text": "Oslo?"}]}
    with served(app) as url, httpx.Client(base_url=url, trust_env=False) as page:
        body = {"id": "c", "messages": [question], "trigger": "submit-message"}
        parts = page.post("/api/chat", json=body).text.split("\n\n")
        assert page.post("/api/chat", json={"messages": []}).status_code == 400
    assert 'data: {"type":"text-delta","id":"text-1","delta":"It is cold."}' in parts
    assert any('"output":"-3 °C"' in part for part in parts)
    assert parts[-2] == "data: [DONE]"


@pytest.fixture
def bus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Start a NATS server for the examples."""
    server = NatsProcess(tmp_path / "nats").start()
    monkeypatch.setenv("NATS_URL", server.url)
    yield server.url
    server.kill()


@pytest.mark.usefixtures("bus")
def test_bus(example: ExampleRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeOllama(answer("Because", " of air."), on={"/api/tags": LLAMA}) as fake:
        monkeypatch.setenv("OLLAMA_HOST", fake.url)
        lines = example.lines_of("27_bus.py")
    assert lines == [
        "Because of air.",
        "models of all workers: llama3.2:latest",
        f"{socket.gethostname()} finishes what it has begun",
    ]


def test_prompts_from_subject(
    example: ExampleRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = (FOLDER / "28_prompts_from_subject.py").read_text(encoding="utf-8")
    with bus_for(code, tmp_path / "nats", monkeypatch):
        assert example.output_of("28_prompts_from_subject.py") == ""
        sentences = stored(os.environ["NATS_URL"], "sentences.kitchen")
    assert [message.data for message in sentences] == [b"One two three fourteen.", b"Hello.", b""]


@pytest.mark.parametrize("kind", ["redis", "mqtt", "amqp"])
def test_faststream(kind: str, fake: FakeOllama, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake.play(answer("It is deep. I", "t is blue."))
    with broker_process(kind, tmp_path) as url:
        monkeypatch.setenv("BROKER_URL", url)
        assert heard_through(runpy.run_path(str(FOLDER / "29_faststream.py"))["broker"]) == TWO_SENTENCES
    assert fake.requests[0].json["prompt"] == "Why?"


def test_faststream_with_kafka(fake: FakeOllama, monkeypatch: pytest.MonkeyPatch) -> None:
    """In memory: no broker of Kafka's is in a registry."""
    fake.play(answer("It is deep. I", "t is blue."))
    monkeypatch.setenv("BROKER_URL", "kafka://127.0.0.1:1")
    broker = runpy.run_path(str(FOLDER / "29_faststream.py"))["broker"]
    assert heard_through(broker, TestKafkaBroker(broker)) == TWO_SENTENCES


def heard_through(broker: Any, running: Any = None) -> list[str]:
    """Send a prompt, and return the first two sentences that come."""
    heard: list[str] = []

    async def main() -> None:
        both = asyncio.Event()

        async def hear(text: str) -> None:
            heard.append(text)
            if len(heard) == 2:
                both.set()

        broker.subscriber("sentences")(hear)

        async with asyncio.timeout(30), running or broker:
            if running is None:
                await broker.start()
            await broker.publish("Why?", "prompts")
            await both.wait()

    asyncio.run(main())
    return heard


def test_hosts(example: ExampleRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    def reply(request: Request) -> Reply:
        return answer(str(request.json["prompt"]).split()[2])

    tags = json_reply({"models": [{"name": "llama3.2:latest"}]})
    with (
        FakeOllama(reply, on={"/api/tags": tags}) as one,
        FakeOllama(reply, on={"/api/tags": tags}) as two,
        FakeOllama() as lost,
    ):
        lost.close()
        monkeypatch.setenv("OLLAMA_HOSTS", f"{lost.url} {one.url} {two.url}")
        *animals, first, second, third = example.lines_of("20_hosts.py")
    assert sorted(animals) == ["ant", "bee", "cat", "dog", "eel", "fox"]
    assert first == f"{lost.url}: resting, models: None"
    assert (second, third) == (
        f"{one.url}: well, models: ('llama3.2:latest',)",
        f"{two.url}: well, models: ('llama3.2:latest',)",
    )


def test_recorded_test(
    fake: FakeOllama, example: ExampleRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["30_recorded_test.py"])
    assert example.output_of("30_recorded_test.py") == "passed\n"
    assert not fake.requests
    copied = str(shutil.copy(FOLDER / "30_recorded_test.py", tmp_path))
    shutil.copy(FOLDER / "30_recorded_test.cassette", tmp_path)
    fake.play(answer(*TWO_SENTENCES[0], " ", *TWO_SENTENCES[1]))
    monkeypatch.setattr(sys, "argv", ["30_recorded_test.py", "record"])
    assert example.lines_of(copied) == [*TWO_SENTENCES, "passed"]
    assert len(fake.requests) == 1
