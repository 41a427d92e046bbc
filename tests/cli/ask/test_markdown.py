"""`--markdown` draws the answer on a terminal and changes nothing elsewhere."""

from collections.abc import Callable

from typer.testing import Result

from ollama_rx.testing import FakeOllama, Gate, answer, thinking
from tests.cli.pseudo_terminal import PseudoTerminal

CommandLine = Callable[..., Result]


def test_elsewhere_the_text_stays_as_it_is(command_line: CommandLine, fake: FakeOllama) -> None:
    fake.play(answer("# Tr", "ees\n\n- **oak**\n"))
    result = command_line("run", "Trees?", "--host", fake.url, "--markdown")
    assert result.stdout == "# Trees\n\n- **oak**\n"


def test_a_terminal_shows_what_the_marks_mean(fake: FakeOllama) -> None:
    fake.play(answer("Some **oa", "ks**.\n\n", "- `elm`\n"))
    with PseudoTerminal("run", "Trees?", "-m", "mine", "--host", fake.url, "--markdown") as terminal:
        assert terminal.finish() == 0
        assert "oaks" in terminal.written
        assert "**" not in terminal.screen[-1]
        assert "`" not in terminal.screen[-1]


def test_thoughts_in_the_middle_stand_between_two_parts(fake: FakeOllama) -> None:
    fake.play(answer(thinking("Hm."), "Some oaks", thinking("Wait."), "and elms.\n"))
    words = ("run", "Trees?", "-m", "mine", "--host", fake.url, "--markdown", "--thinking")
    with PseudoTerminal(*words) as terminal:
        assert terminal.finish() == 0
        shown = terminal.written
        assert shown.rindex("Some oaks") < shown.index("Wait.") < shown.index("and elms.")


def test_ctrl_c_leaves_what_has_arrived(fake: FakeOllama) -> None:
    fake.play(answer("Some **oaks** ", Gate()))
    with PseudoTerminal("run", "Trees?", "-m", "mine", "--host", fake.url, "--markdown") as terminal:
        terminal.read_until("oaks")
        terminal.interrupt()
        assert terminal.finish() == 130
        assert terminal.written.endswith("\n")
