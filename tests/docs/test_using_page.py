"""The page about options names every option of every operator, with its default."""

import inspect
import re

from ollama_rx import operators as op
from tests.docs.pages import PAGES, section

ROW = re.compile(r"^\| (?:`(\w+)`)? ?\| `([^`]+)` \|", re.MULTILINE)


def options_on_the_page() -> set[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    operator = ""
    for name, option in ROW.findall(section(PAGES["docs/using.md"], "Options of the operators")):
        operator = name or operator
        found.add((operator, option))
    return found


def as_written(parameter: inspect.Parameter) -> str:
    star = "*" if parameter.kind is parameter.VAR_POSITIONAL else ""
    if parameter.default is parameter.empty:
        return star + parameter.name
    return f"{parameter.name}={parameter.default!r}".replace("'", '"')


def test_every_option_is_listed_with_its_default_and_no_other() -> None:
    options = {
        (name, as_written(parameter))
        for name in op.__all__
        if name.islower()  # not the types
        for parameter in inspect.signature(getattr(op, name)).parameters.values()
    }
    assert options_on_the_page() == options
