"""What the README says is true: its code runs, its tables are complete, its recipes work."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from reactivex import operators as rx

from ollama_rx import Client, sinks
from ollama_rx import operators as op
from ollama_rx.testing import FakeOllama, Gate, answer

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def section(title: str) -> str:
    return README.split(f"\n## {title}\n")[1].split("\n## ")[0]


def blocks(text: str) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def is_file(code: str) -> bool:
    return code.startswith(("# ollama_rx/", "# tests/"))


RUNNABLE = [
    pytest.param(code, marks=[pytest.mark.embedded] if "embedded()" in code else [])
    for code in blocks(README)
    if not is_file(code)
]


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeOllama]:
    with FakeOllama(answer("One two three", " fourteen. He", "llo.")) as server:
        monkeypatch.setenv("OLLAMA_HOST", server.url)
        yield server


@pytest.mark.usefixtures("fake")
@pytest.mark.parametrize("code", RUNNABLE, ids=map(str, range(len(RUNNABLE))))
def test_each_piece_of_code_runs(code: str) -> None:
    exec(compile(code, "README.md", "exec"), {"__name__": "__main__"})  # noqa: S102 - our own README


@pytest.mark.usefixtures("fake")
def test_the_quick_start_prints_the_answer_and_its_sentences(capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = blocks(section("Quick start"))
    exec(code, {})  # noqa: S102 - our own README
    assert capsys.readouterr().out == (
        "One two three fourteen. He[One two three fourteen.]\nllo.\n[Hello.]\n"
    )


def test_every_method_of_the_client_is_in_the_table_and_nothing_else() -> None:
    table = "\n".join(
        line.split("|")[1] for line in section("What a client can ask for").splitlines() if "|" in line
    )
    methods = {name for name in dir(Client) if not name.startswith("_")}
    assert set(re.findall(r"`(\w+)\(", table)) == methods - {"close", "aclose", "url"}


def test_every_operator_is_in_the_table_and_nothing_else() -> None:
    named = re.findall(r"^\|[^|]+\| `(\w+)\(", section("Which operator do I need?"), re.MULTILINE)
    assert sorted(named) == sorted(op.__all__), "each operator has a row in the README's table"


def test_every_sink_is_in_the_table_with_its_name_on_the_command_line() -> None:
    table = section("Where it goes: sinks")
    ours = {
        name
        for name in sinks.__all__
        if isinstance(kind := getattr(sinks, name), type) and issubclass(kind, sinks.Sink)
    }
    assert set(re.findall(r"^\| `(\w+)\(", table, re.MULTILINE)) == ours - {"Sink"}
    registered = PROJECT["project"]["entry-points"]["ollama_rx.sinks"]
    assert set(re.findall(r"--to (\w+)", table)) == set(registered)


def test_every_link_leads_somewhere() -> None:
    prose = re.sub(r"^```.*?^```", "", README, flags=re.DOTALL | re.MULTILINE)
    links = [link for link in re.findall(r"\]\(([^)]+)\)", prose) if "://" not in link]
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_every_target_of_make_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"\bmake (\w+)`|^make (\w+)", README, re.MULTILINE))
    names = {name for pair in targets for name in pair if name}
    assert names >= {"run", "test", "check", "bench"}
    assert [name for name in names if not re.search(rf"^{name}:", makefile, re.MULTILINE)] == []


def test_every_extra_that_is_installed_exists() -> None:
    wanted = re.findall(r'pip install "ollama-rx\[([^\]]+)\]"', README)
    assert wanted
    extras = set(PROJECT["project"]["optional-dependencies"])
    assert {extra for each in wanted for extra in each.split(",")} <= extras


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


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Copy what a recipe needs of this project."""
    for folder in ("ollama_rx", "tests/operators", "tests/sinks"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    for name in ("pyproject.toml", "tests/conftest.py"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def follow(recipe: str, clone: Path) -> list[str]:
    """Write the files of a recipe and add its names, as it says; give the new files."""
    written: list[str] = []
    for code in filter(is_file, blocks(recipe)):
        first, rest = code.split("\n", 1)
        name = first.removeprefix("# ")
        if (ROOT / name).exists():
            pytest.skip("somebody has followed the recipe here")
        (clone / name).write_text(rest, encoding="utf-8")
        written.append(name)
    flat = " ".join(recipe.split())
    step = re.search(r"In `([^`]+)` add `([^`]+)`, and `(\"\w+\")` in `__all__`", flat)
    assert step
    exports = clone / step[1]
    before, rest = exports.read_text(encoding="utf-8").split("\n\n__all__ = [", 1)
    names, after = rest.split("]", 1)
    sorted_names = sorted([*re.findall(r'"\w+"', names), step[3]])
    indent = re.findall(r"^ *(?=from ollama_rx)", before, re.MULTILINE)[-1]
    exports.write_text(
        f"{before}\n{indent}{step[2]}\n\n__all__ = [{', '.join(sorted_names)}]{after}", encoding="utf-8"
    )
    return written


def run_tests(clone: Path, *what: str) -> str:
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *what],
        cwd=clone,
        env=os.environ | {"PYTHONPATH": str(clone)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_recipe_for_an_operator_works(clone: Path) -> None:
    recipe = section("Add an operator")
    written = follow(recipe, clone)
    row = re.search(r'^ +`("split_paragraphs": .+,)`$', recipe, re.MULTILINE)
    assert row
    lifecycle = clone / "tests" / "operators" / "test_lifecycle.py"
    text = lifecycle.read_text(encoding="utf-8")
    opening = re.search(r"^OPERATORS: .* = \{\n", text, re.MULTILINE)
    assert opening
    text = text.replace(opening[0], f"{opening[0]}    {row[1]}\n")
    lifecycle.write_text(text, encoding="utf-8")
    said = run_tests(clone, *written, str(lifecycle), "-k", "paragraph or listed")
    passed = re.search(r"(\d+) passed", said)
    assert passed
    assert int(passed[1]) > 6  # the docstring's, its own two, one for each promise of every operator


def test_the_recipe_for_a_sink_works(clone: Path) -> None:
    recipe = section("Add a sink")
    written = follow(recipe, clone)
    assert "3 passed" in run_tests(clone, *written)
    entry = re.search(r"`text = \"([\w.]+):(\w+)\"`", recipe)
    assert entry
    assert '[project.entry-points."ollama_rx.sinks"]' in (clone / "pyproject.toml").read_text()
    assert (clone / written[0]).read_text().count(f"class {entry[2]}(Sink[str]):") == 1
    assert entry[1] == "ollama_rx.sinks"
