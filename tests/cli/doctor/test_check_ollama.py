"""The doctor asks the server of Ollama for its version, its models, and what is in its memory."""

import shutil

import pytest

from ollama_rx import Timeouts
from ollama_rx.cli.doctor.check_ollama import check
from ollama_rx.cli.doctor.finding import Finding, Target
from ollama_rx.testing import FakeOllama, error_status, json_reply, silent_url


def ask(host: str) -> list[Finding]:
    return list(check(Target(host=host, named=host)))


def which(*programs: str) -> object:
    def find(name: str) -> str | None:
        return f"/bin/{name}" if name in programs else None

    return find


def test_a_server_that_is_well_can_answer(fake: FakeOllama) -> None:
    server, models, memory = ask(fake.url)
    assert {one.status for one in (server, models, memory)} == {"ok"}
    assert server.text.startswith(f"{fake.url} answers in ")
    assert server.fields["version"] == "0.33.0"
    assert isinstance(server.fields["latency_seconds"], float)
    assert (models.text, models.can_answer) == ("1: echo:latest", True)
    assert memory.text == "echo:latest, 1.0 GB, 100 % in the GPU, context 4096, stays forever"


def test_many_models_are_counted_and_some_named(fake: FakeOllama) -> None:
    names = [f"m{number}" for number in range(5)]
    fake.play(json_reply({"models": [{"name": name} for name in [*names, ""]]}), path="/api/tags")
    _, models, _ = ask(fake.url)
    assert models.text == "5: m0, m1, m2, ..."
    assert models.fields["models"] == names


def test_a_server_without_models_cannot_answer(fake: FakeOllama) -> None:
    fake.play(json_reply({"models": []}), path="/api/tags")
    fake.play(json_reply({"models": []}), path="/api/ps")
    _, models, memory = ask(fake.url)
    assert (models.status, models.can_answer) == ("missing", False)
    assert models.command == "ollama-rx pull llama3.2"
    assert memory.text == "no model; a model is loaded when it is first used"


def test_a_named_server_that_cannot_be_reached_is_a_problem(unused_url: str) -> None:
    (server,) = ask(unused_url)
    assert (server.status, server.command) == ("problem", "")
    assert server.text.startswith(f"cannot reach {unused_url} (")
    assert server.text.endswith(")")


@pytest.mark.parametrize(("programs", "command"), [(["ollama"], "ollama serve"), ([], "")])
def test_without_a_server_on_this_machine_one_is_missing(
    no_server: str, monkeypatch: pytest.MonkeyPatch, programs: list[str], command: str
) -> None:
    monkeypatch.setattr(shutil, "which", which(*programs))
    (server,) = check(Target())
    assert (server.status, server.command) == ("missing", command)
    assert server.text.startswith(f"cannot reach {no_server} (")
    assert server.text.endswith("; https://ollama.com/download has Ollama") is not bool(command)


def test_something_else_than_ollama_is_a_problem(fake: FakeOllama) -> None:
    fake.play(error_status(404, "page not found"), path="/api/version")
    (server,) = ask(fake.url)
    assert (server.status, server.text) == (
        "problem",
        "HTTP 404: page not found; does the host point at Ollama?",
    )


def test_a_server_that_does_not_answer_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ollama_rx.cli.doctor.check_ollama._LIMITS", Timeouts(first_chunk=0.2))
    with silent_url() as url:
        (server,) = ask(url)
    assert (server.status, server.text) == ("problem", f"{url} does not answer within 0.2 s")


def test_a_server_may_not_tell_its_version(fake: FakeOllama) -> None:
    fake.play(json_reply({"version": 5}), path="/api/version")
    assert ask(fake.url)[0].text.endswith(": Ollama without a version")


def test_an_address_that_cannot_be_read_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_HOST", "http://a?b")
    (server,) = check(Target(named="http://a?b"))
    assert server.status == "problem"
    assert server.text.startswith("OLLAMA_HOST: expected no query")


def test_a_bus_in_its_place_is_another_check() -> None:
    assert ask("nats://127.0.0.1") == []
