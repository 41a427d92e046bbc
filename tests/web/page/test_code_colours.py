"""Code with colours: which, and how much of it."""

from itertools import count

import pytest

from ollama_rx.web.page import code_colours
from ollama_rx.web.page.code_colours import _LANGUAGES, coloured


@pytest.mark.parametrize("language", ["python", "PY", "c++", "js", "sh", "html"])
def test_the_languages_that_people_ask_for_have_colours(language: str) -> None:
    assert "<span" in (coloured("<a> if 1", language) or "")


@pytest.mark.parametrize("language", ["nosuchlanguage", "adl", "console"])
def test_other_languages_have_none(language: str) -> None:
    assert coloured("1", language) is None


def test_pygments_knows_the_languages() -> None:
    lexers = pytest.importorskip("pygments.lexers")
    assert {name for name, *_ in lexers.get_all_lexers()} >= _LANGUAGES


def test_much_code_has_no_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(code_colours, "_MOST_CHARACTERS", 5)
    assert coloured("x = 1", "python")
    assert coloured("x = 12", "python") is None


def test_code_that_takes_long_has_no_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(code_colours, "thread_time", count(step=0.05).__next__)
    assert coloured("x=1", "python")
    assert coloured("x=1;y=2", "python") is None
