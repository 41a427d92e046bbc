"""What a command reads: the prompt and what is piped in, images, a JSON schema."""

import base64
import io
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from ollama_rx.cli.ask.input import read_format, read_image, read_prompt
from ollama_rx.cli.output.status_line import StatusLine
from ollama_rx.testing import FakeOllama, json_reply

CommandLine = Callable[..., Result]
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"


def test_a_prompt_is_typed_without_a_status_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    terminal, shown = io.TextIOWrapper(io.BytesIO(b"Hi\n")), io.StringIO()
    for file in (terminal, shown):
        monkeypatch.setattr(file, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdin", terminal)
    assert read_prompt("-", StatusLine(shown)) == "Hi\n"
    assert shown.getvalue() == ""


@pytest.mark.parametrize("words", [["run"], ["run", "-"]])
def test_a_piped_prompt_is_read_to_its_end(
    command_line: CommandLine, fake: FakeOllama, words: list[str]
) -> None:
    result = command_line(*words, "--host", fake.url, input="Hello\nwörld\n")
    assert result.stdout == "Hello\nwörld\n"
    assert fake.requests[-1].json["prompt"] == "Hello\nwörld\n"


def test_what_is_piped_in_goes_below_the_prompt(command_line: CommandLine, fake: FakeOllama) -> None:
    result = command_line("run", "Summarize:", "--host", fake.url, input="A long text.\n")
    assert result.exit_code == 0
    assert fake.requests[-1].json["prompt"] == "Summarize:\n\nA long text.\n"


@pytest.mark.parametrize("piped", ["", " \n"])
def test_nothing_in_the_pipe_leaves_the_prompt_as_it_is(
    command_line: CommandLine, fake: FakeOllama, piped: str
) -> None:
    command_line("run", "Hi", "--host", fake.url, input=piped)
    assert fake.requests[-1].json["prompt"] == "Hi"


def test_an_empty_prompt_leaves_what_is_piped_in(command_line: CommandLine, fake: FakeOllama) -> None:
    command_line("run", "", "--host", fake.url, input="Hi")
    assert fake.requests[-1].json["prompt"] == "Hi"


def test_a_picture_in_standard_input_is_refused_with_advice(
    command_line: CommandLine, fake: FakeOllama
) -> None:
    result = command_line("run", "What is it?", "--host", fake.url, input=PNG)
    assert (result.exit_code, fake.requests) == (2, ())
    assert result.stderr == (
        "ollama-rx: Invalid value for PROMPT: standard input is not text; --image FILE sends an image\n"
    )


def test_standard_input_without_an_end_is_refused(
    command_line: CommandLine, fake: FakeOllama, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ollama_rx.cli.ask.input.MAX_TEXT", 2**20)
    result = command_line("run", "Why?", "--host", fake.url, input="y\n" * 2**20)
    assert (result.exit_code, fake.requests) == (2, ())
    assert "standard input is longer than 1 MB" in result.stderr


def test_invalid_bytes_in_a_piped_prompt_are_replaced_and_a_line_says_so(
    command_line: CommandLine, fake: FakeOllama
) -> None:
    result = command_line("run", "--host", fake.url, input=b"a\xffb")
    assert fake.requests[-1].json["prompt"] == "a\ufffdb"
    assert (result.stdout, result.exit_code) == ("a\ufffdb\n", 0)
    assert result.stderr == "the prompt is not UTF-8: bytes that cannot be read are replaced by \ufffd\n"


def test_without_a_prompt_a_terminal_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdin", terminal)
    with pytest.raises(ValueError, match="give a prompt, or pipe one in"):
        read_prompt(None, StatusLine())


def test_each_image_is_sent(command_line: CommandLine, fake: FakeOllama, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(PNG)
    (tmp_path / "b.jpg").write_bytes(b"\xff\xd8\xff\xe0")
    images = ["--image", str(tmp_path / "a.png"), "--image", str(tmp_path / "b.jpg")]
    result = command_line("run", "What is it?", "-m", "mine", "--host", fake.url, *images)
    assert result.exit_code == 0
    assert fake.requests[-1].json["images"] == [
        base64.b64encode(content).decode() for content in (PNG, b"\xff\xd8\xff\xe0")
    ]


@pytest.mark.parametrize(
    "content", [PNG, b"\xff\xd8\xff", b"RIFF\0\n\0\0WEBPVP8 ", b"GIF89a", b"GIF87a", b"BM1234\0\0\0\0"]
)
def test_an_image_is_known_by_its_first_bytes(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "image").write_bytes(content)
    assert read_image(str(tmp_path / "image")) == content


@pytest.mark.parametrize(
    "content", [b"", b"BMW is a car", b"<svg>", b"RIFF\0\0\0\0WAVE", b" \x89PNG\r\n\x1a\n"]
)
def test_a_file_that_is_not_an_image_is_a_usage_error(
    command_line: CommandLine, fake: FakeOllama, tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    result = command_line("run", "What is it?", "--host", fake.url, "--image", str(path))
    assert (result.exit_code, fake.requests) == (2, ())
    expected = f"Invalid value for --image: {path} is not an image in PNG, JPEG, WebP, GIF or BMP"
    assert result.stderr == f"ollama-rx: {expected}\n"


@pytest.mark.parametrize("option", ["--image", "--format"])
@pytest.mark.parametrize("name", ["missing", "."])
def test_a_file_that_cannot_be_read_is_a_usage_error(
    command_line: CommandLine, fake: FakeOllama, tmp_path: Path, option: str, name: str
) -> None:
    path = str(tmp_path / name)
    result = command_line("run", "What is it?", "--host", fake.url, option, path)
    assert (result.exit_code, fake.requests) == (2, ())
    reason = "No such file or directory" if name == "missing" else "Is a directory"
    assert result.stderr == f"ollama-rx: Invalid value for {option}: {path}: {reason}\n"


def test_an_empty_name_of_a_file_is_said_to_be_empty() -> None:
    with pytest.raises(ValueError, match=r"^the name of the file is empty$"):
        read_image("")


def test_an_image_without_an_end_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^/dev/zero is longer than 128 MB$"):
        read_image("/dev/zero")


def test_a_model_that_cannot_see_is_named(
    command_line: CommandLine, fake: FakeOllama, tmp_path: Path
) -> None:
    (tmp_path / "a.png").write_bytes(PNG)
    fake.play(json_reply({"capabilities": ["completion"]}), path="/api/show")
    image = ["--image", str(tmp_path / "a.png")]
    result = command_line("run", "What is it?", "-m", "blind", "--host", fake.url, *image)
    assert result.stderr == "blind cannot see images\n"


def test_a_model_that_sees_is_not(command_line: CommandLine, fake: FakeOllama, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(PNG)
    fake.play(json_reply({"capabilities": ["completion", "vision"]}), path="/api/show")
    image = ["--image", str(tmp_path / "a.png")]
    assert command_line("run", "What is it?", "-m", "mine", "--host", fake.url, *image).stderr == ""


def test_json_is_asked_for(command_line: CommandLine, fake: FakeOllama) -> None:
    command_line("run", "List trees", "--host", fake.url, "--format", "json")
    assert fake.requests[-1].json["format"] == "json"


def test_a_schema_is_read_from_a_file(command_line: CommandLine, fake: FakeOllama, tmp_path: Path) -> None:
    path = tmp_path / "tree.json"
    path.write_text('{"type": "object", "properties": {"name": {"type": "string"}}}')
    command_line("run", "Name a tree", "--host", fake.url, "--format", str(path))
    assert fake.requests[-1].json["format"] == {
        "type": "object",
        "properties": {"name": {"type": "string"}},
    }


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ('{"type": ', " is not JSON: "),
        ("", " is not JSON: "),
        ("\udcff", " is not JSON: "),
        ('["a"]', ": expected a JSON schema, which is an object, got list"),
    ],
)
def test_a_file_that_is_not_a_schema_is_a_usage_error(tmp_path: Path, content: str, problem: str) -> None:
    path = tmp_path / "schema"
    path.write_bytes(os.fsencode(content))
    with pytest.raises(ValueError, match=f"^{path}{problem}"):
        read_format(str(path))
