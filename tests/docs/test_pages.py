"""What all pages say is true: their code runs, their links, paths, targets of make and extras exist."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from ollama_rx.bus.connection.connection_options import DEFAULT_URL
from ollama_rx.testing import FakeOllama, answer
from tests.docs.bus_programs import bus_for
from tests.docs.pages import PAGES, README, ROOT, blocks, files, programs, prose

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

RUNNABLE = [
    pytest.param(code, id=f"{name}-{number}", marks=[pytest.mark.embedded] if "embedded()" in code else [])
    for name, page in PAGES.items()
    for number, code in enumerate(programs(page))
]

every_page = pytest.mark.parametrize("name", PAGES)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeOllama]:
    monkeypatch.chdir(tmp_path)  # some programs write files
    with FakeOllama(answer("One two three", " fourteen. He", "llo.")) as server:
        monkeypatch.setenv("OLLAMA_HOST", server.url)
        yield server


@pytest.mark.usefixtures("fake", "one_hibari")
@pytest.mark.parametrize("code", RUNNABLE)
def test_each_program_runs(
    code: str, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "ollama_rx.bus" not in code:
        run(code)
        return
    with bus_for(code, tmp_path_factory.mktemp("nats"), monkeypatch) as url:
        run(code.replace(DEFAULT_URL, url))


def run(code: str) -> None:
    exec(compile(code, "page.md", "exec"), {"__name__": "__main__"})  # noqa: S102 - our own pages


def test_the_pages_have_programs_and_files() -> None:
    assert len(RUNNABLE) > 10
    assert sum(len(files(page)) for page in PAGES.values()) == 8


@every_page
def test_each_block_of_code_names_a_language_that_is_tested(name: str) -> None:
    openings = re.findall(r"^```(\w*)\n.*?^```", PAGES[name], re.DOTALL | re.MULTILINE)
    assert set(openings) <= {"python", "sh", "js", "toml", ""}, "an unknown language would never be run"
    assert not re.search(r"^(import|from) ", "".join(blocks(PAGES[name], "")), re.MULTILINE)


@every_page
def test_every_link_leads_somewhere(name: str) -> None:
    links = [link for link in re.findall(r"\]\(([^)]+)\)", prose(PAGES[name])) if "://" not in link]
    folder = (ROOT / name).parent
    assert [link for link in links if not (folder / link).exists()] == []


def test_a_reader_of_the_readme_finds_all_other_pages() -> None:
    assert set(re.findall(r"\]\(([^)]+\.md)\)", README)) >= set(PAGES) - {"README.md"}


@every_page
def test_every_path_exists_or_is_made_by_a_recipe(name: str) -> None:
    text = re.sub(r"\S+://\S+", "", PAGES[name])
    paths = set(re.findall(r"\b(?:ollama_rx|tests|docs|benchmarks|examples)/[\w./]*\w/?", text))
    made = set(files(PAGES[name]))
    assert [path for path in paths - made if not (ROOT / path).exists()] == []


def test_every_target_and_variable_of_make_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    text = "\n".join(PAGES.values())
    targets = set(re.findall(r"(?:`|^)make (\w+)", text, re.MULTILINE))
    assert targets >= {"run", "test", "check", "fix", "bench"}
    assert [name for name in targets if not re.search(rf"^{name}:", makefile, re.MULTILINE)] == []
    variables = set(re.findall(r"\bmake \w+ (\w+)=", text))
    assert variables >= {"PYTHONS", "ARGS"}
    assert [name for name in variables if not re.search(rf"\$[({{]{name}\b", makefile)] == []


def test_every_extra_that_is_installed_exists() -> None:
    used = re.findall(r'pip install "(?:ollama-rx|\.)\[([^\]]+)\]"', "\n".join(PAGES.values()))
    assert used
    extras = set(PROJECT["optional-dependencies"])
    assert {extra for each in used for extra in each.split(",")} <= extras
