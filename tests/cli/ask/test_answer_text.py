"""Stop words are found by name, and no sentence that has begun is lost."""

import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from reactivex import Observable, Subject, concat, of, throw
from typer.testing import Result

from ollama_rx import Chunk
from ollama_rx.cli.ask.answer_text import AnswerText
from ollama_rx.sinks import Sink
from ollama_rx.testing import FakeOllama, Gate, answer, cut
from tests.cli.pseudo_terminal import PseudoTerminal

CommandLine = Callable[..., Result]


def chunks(*pieces: str) -> Observable[Chunk]:
    return of(*(Chunk({"response": piece}) for piece in pieces))


def texts(answer: AnswerText, source: Observable[Chunk]) -> list[str]:
    found: list[str] = []
    source.pipe(answer.operators).subscribe(found.append, lambda error: found.append(f"({error})"))
    return found


@pytest.mark.parametrize(
    ("stop", "pieces", "expected", "word"),
    [
        (("END",), ("One E", "ND two"), ["One "], "END"),
        (("END", "ND"), ("One END",), ["One "], "END"),
        (("ND", "END"), ("One ND",), ["One "], "ND"),
        (("ENDED", "END"), ("ENDED",), [], "END"),
        (("END",), ("One EN",), ["One ", "EN"], None),
        ((), ("One END",), ["One END"], None),
    ],
)
def test_the_stop_word_that_ended_the_answer_is_known(
    stop: tuple[str, ...], pieces: tuple[str, ...], expected: list[str], word: str | None
) -> None:
    answer = AnswerText(stop=stop, sentences=False)
    assert texts(answer, chunks(*pieces)) == expected
    assert answer.stop_word == word


def test_a_stop_word_that_is_too_long_is_refused() -> None:
    with pytest.raises(ValueError, match="stop word"):
        AnswerText(stop=("x" * 301,), sentences=False)


def test_an_unfinished_sentence_is_emitted_at_the_end() -> None:
    answer = AnswerText(stop=(), sentences=True)
    assert texts(answer, chunks("One. Two", " is")) == ["One.", "Two is"]
    assert answer.unfinished() == []


def test_an_unfinished_sentence_is_emitted_before_an_error() -> None:
    answer = AnswerText(stop=(), sentences=True)
    source = concat(chunks("One. Two", " is"), throw(ConnectionError("cut")))
    assert texts(answer, source) == ["One.", "Two is", "(cut)"]
    assert answer.unfinished() == []


@pytest.mark.parametrize("sentences", [False, True])
def test_what_might_have_become_a_stop_word_is_emitted_before_an_error(*, sentences: bool) -> None:
    answer = AnswerText(stop=("END",), sentences=sentences)
    source = concat(chunks("Two is EN"), throw(ConnectionError("cut")))
    assert "".join(texts(answer, source)) == "Two is EN(cut)"
    assert answer.stop_word is None


def test_the_text_passes_as_it_comes_without_options() -> None:
    answer = AnswerText(stop=(), sentences=False)
    assert texts(answer, chunks("One. ", "", "Two")) == ["One. ", "Two"]


def test_an_unfinished_sentence_of_a_cancelled_answer_is_kept() -> None:
    answer, found, source = AnswerText(stop=(), sentences=True), list[str](), Subject[Chunk]()
    subscription = source.pipe(answer.operators).subscribe(found.append)
    for piece in ("One. Two", " is"):
        source.on_next(Chunk({"response": piece}))
    subscription.dispose()
    assert (found, answer.unfinished()) == (["One."], ["Two is"])


def test_what_is_unfinished_is_known_when_another_thread_has_closed_the_stream() -> None:
    answer, source = AnswerText(stop=(), sentences=True), Subject[Chunk]()
    subscription = source.pipe(answer.operators).subscribe()
    source.on_next(Chunk({"response": "Two is"}))
    assert answer.unfinished(0.0) == []
    thread = threading.Thread(target=subscription.dispose)
    thread.start()
    assert answer.unfinished(30.0) == ["Two is"]
    thread.join()


def test_an_answer_that_never_began_is_not_waited_for() -> None:
    assert AnswerText(stop=(), sentences=True).unfinished(30.0) == []


def test_a_cancelled_answer_between_two_sentences_leaves_nothing() -> None:
    answer, source = AnswerText(stop=(), sentences=True), Subject[Chunk]()
    source.pipe(answer.operators).subscribe().dispose()
    assert answer.unfinished() == []


def test_a_stop_word_ends_the_last_sentence() -> None:
    answer = AnswerText(stop=("END",), sentences=True)
    source = concat(chunks("One. Two EN", "D"), throw(ConnectionError("never seen")))
    assert texts(answer, source) == ["One.", "Two"]
    assert answer.unfinished() == []


def test_cancelling_does_not_wait_for_a_sink_that_takes_its_time() -> None:
    answer = AnswerText(stop=(), sentences=True)
    source = Subject[Chunk]()
    taken, may_return = threading.Event(), threading.Event()

    def take_time(_: str) -> None:
        taken.set()
        assert may_return.wait(10)

    subscription = source.pipe(answer.operators).subscribe(take_time)
    stream = threading.Thread(target=source.on_next, args=(Chunk({"response": "One. Two is"}),))
    stream.start()
    assert taken.wait(10)
    cancelling = threading.Thread(target=subscription.dispose, daemon=True)
    cancelling.start()
    cancelling.join(10)
    assert not cancelling.is_alive()
    may_return.set()
    stream.join()
    assert answer.unfinished() == ["Two is"]


@pytest.mark.usefixtures("sinks")
def test_an_answer_that_breaks_off_is_printed_to_its_last_word(
    command_line: CommandLine, fake: FakeOllama, tmp_path: Path
) -> None:
    fake.play(answer("One. Two", " is", cut()))
    file = tmp_path / "answer.jsonl"
    result = command_line(
        *("run", "Hi", "--host", fake.url, "--sentences", "--to", "console", "--to", f"jsonl:{file}")
    )
    assert (result.stdout, result.exit_code) == ("One.\nTwo is\n", 1)
    assert file.read_text() == '"One."\n"Two is"\n'


def test_ctrl_c_prints_the_sentence_that_had_begun(fake: FakeOllama) -> None:
    fake.play(answer("One. Two is", Gate()))
    with PseudoTerminal("run", "Hi", "-m", "mine", "--host", fake.url, "--sentences") as terminal:
        terminal.read_until("One.\n")
        terminal.interrupt()
        assert terminal.finish() == 130
        assert terminal.screen == ["One.", "", "Two is"]  # the terminal may have shown ^C on the empty line


@pytest.fixture
def default_sigint() -> Iterator[None]:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


class PressesCtrlC(Sink[str]):
    def on_next(self, value: str) -> None:  # noqa: ARG002
        main = threading.main_thread().ident
        assert main is not None
        signal.pthread_kill(main, signal.SIGINT)


@pytest.mark.usefixtures("default_sigint")
@pytest.mark.parametrize(("to", "out"), [(("--to", "console"), "One.\nTwo is\n"), ((), "")])
def test_only_a_console_gets_the_sentence_that_had_begun(
    command_line: CommandLine,
    fake: FakeOllama,
    monkeypatch: pytest.MonkeyPatch,
    *,
    to: tuple[str, ...],
    out: str,
) -> None:
    monkeypatch.setattr("ollama_rx.cli.ask.run.sink_from_uri", {"interrupt": PressesCtrlC()}.__getitem__)
    fake.play(answer("One. Two is", Gate()))
    words = ("run", "Hi", "--host", fake.url, "--sentences", *to, "--to", "interrupt")
    result = command_line(*words)
    assert (result.stdout, result.exit_code) == (out, 130)
