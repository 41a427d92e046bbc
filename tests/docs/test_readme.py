"""The README's tables are complete; its quick start and its picture show what happens."""

import re
import tomllib
from xml.etree import ElementTree as ET

import pytest
from reactivex import operators as rx

from ollama_rx import Client, sinks
from ollama_rx import operators as op
from ollama_rx.testing import FakeOllama, Gate, answer
from tests.docs.pages import README, ROOT, blocks, section

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_the_quick_start_prints_the_answer_and_then_its_sentences(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (code,) = blocks(section(README, "Quick start"))
    with FakeOllama(answer("One two three", " fourteen. He", "llo.")) as fake:
        monkeypatch.setenv("OLLAMA_HOST", fake.url)
        exec(code, {})  # noqa: S102 - our own README
    assert capsys.readouterr().out == (
        "One two three fourteen. Hello.\n['One two three fourteen.', 'Hello.']\n"
    )


def test_every_method_of_the_client_is_in_the_table_and_nothing_else() -> None:
    table = "\n".join(
        line.split("|")[1]
        for line in section(README, "What a client can ask for").splitlines()
        if "|" in line
    )
    methods = {name for name in dir(Client) if not name.startswith("_")}
    assert set(re.findall(r"`(\w+)\(", table)) == methods - {"close", "aclose", "url", "hosts"}


def test_every_operator_is_in_the_table_and_nothing_else() -> None:
    named = re.findall(r"^\|[^|]+\| `(\w+)\(", section(README, "Which operator do I need?"), re.MULTILINE)
    ours = [name for name in op.__all__ if name.islower()]
    assert sorted(named) == ours, "each operator has a row in the README's table"


def test_every_sink_is_in_the_table_with_its_name_on_the_command_line() -> None:
    table = section(README, "Where it goes: sinks")
    ours = {
        name
        for name in sinks.__all__
        if isinstance(kind := getattr(sinks, name), type) and issubclass(kind, sinks.Sink)
    }
    elsewhere = {"LivePage", "Speech", "to_subject"}
    assert set(re.findall(r"^\| `(\w+)\(", table, re.MULTILINE)) == (ours - {"Sink"}) | elsewhere
    registered = PROJECT["entry-points"]["ollama_rx.sinks"]
    assert set(re.findall(r"--to (\w+)", table)) == set(registered)


def test_the_picture_shows_what_happens() -> None:
    picture = ET.parse(ROOT / "docs" / "pipeline.svg")  # noqa: S314 - our own picture
    shown = [text.text or "" for text in picture.iter("{http://www.w3.org/2000/svg}text")]
    first = shown.index("It costs")
    with FakeOllama(answer(*shown[first : first + 5], Gate(), shown[first + 5])) as fake:
        text = Client(fake.url, model="any").generate("Tell me.").pipe(op.text(), op.stop_at("STOP"))
        assert text.pipe(rx.to_list()).run() == ["It costs", " $3", ".50. The", " end. "]
        assert fake.wait_for_disconnect().lines_written == 5
        sentences = text.pipe(op.split_sentences(), rx.to_list()).run()
    assert sentences == ["It costs $3.50.", "The end."]
    assert set(sentences) <= set(shown)
