"""Parse a docstring into its summary and the descriptions of parameters."""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache

# Patterns, compiled by `re` at their first use, because most programs never need them.
# The heading of a section: Google's ends with a colon, NumPy's is underlined.
_SECTION = (
    r"(?mi)^(?P<name>(?:Keyword )?(?:Args|Arguments)|(?:Other )?(?:Params|Parameters)|Returns?|Yields?|Raises"
    r"|Warns?|Examples?|Notes?|References|See Also|Attributes)(?: *:|\n-{3,})$"
)
_PARAMETER_WORDS = ("args", "arguments", "params", "parameters")
# A field of reST (`:param city:`) or Epytext (`@param city:`).
_FIELD = r"(?m)^[:@](?:(?:param|arg|argument|key|keyword)\b[^:\n]*?\s\*{0,2}(?P<name>\w+)|\w+[^:\n]*):"
# One parameter in a section: its name or names, and the text after the colon.
_GOOGLE_PARAMETER = r" *\*{0,2}(?P<names>\w+) *(?:\(.*?\))? *:(?P<text>.*)$"
_NUMPY_PARAMETER = r" *(?P<names>\*{0,2}\w+(?:, *\*{0,2}\w+)*) *(?::.*)?(?P<text>)$"
_LIST_ITEM = r"(?:[-*+•]|\d+[.)])\s"


@lru_cache  # every request describes its tools anew
def parse_docstring(text: str) -> tuple[str, Mapping[str, str]]:
    r"""Parse a docstring (as from ``inspect.getdoc``) into its summary and its descriptions of parameters.

    Paragraphs and the items of lists stay apart; the lines of each are joined.

    >>> parse_docstring("The weather.\n\nArgs:\n    city: Where,\n        by name.\n    days: How many.")
    ('The weather.', {'city': 'Where, by name.', 'days': 'How many.'})
    """
    text = "\n".join(line.rstrip() for line in text.expandtabs().splitlines())
    sections = list(re.finditer(_SECTION, text))
    fields = list(re.finditer(_FIELD, text))
    starts = sorted(match.start() for match in (*sections, *fields))
    summary = _join_lines(text[: min(starts, default=len(text))])
    descriptions: dict[str, str] = {}
    for section in sections:
        if section["name"].lower().endswith(_PARAMETER_WORDS):
            content = _text_until_next(text, section.end(), starts)
            descriptions.update(_parse_section(content, underlined="\n" in section[0]))
    for field in fields:
        if field["name"]:
            content = _text_until_next(text, field.end(), starts)
            paragraphs = re.split(r"\n\n(?! )", content)  # what is not indented belongs to no field
            descriptions[field["name"]] = _join_lines(paragraphs[0])
    return summary, {name: description for name, description in descriptions.items() if description}


def _text_until_next(text: str, start: int, starts: list[int]) -> str:
    """Return the text from ``start`` to the next section or field."""
    return text[start : next((place for place in starts if place >= start), len(text))]


def _parse_section(text: str, *, underlined: bool) -> Iterator[tuple[str, str]]:
    """Yield the parameters of one section: in NumPy's style if its heading is underlined, or Google's."""
    pattern = _NUMPY_PARAMETER if underlined else _GOOGLE_PARAMETER
    found: list[tuple[str, list[str]]] = []
    indent = -1
    previous = ""
    for line in text.splitlines():
        depth = len(line) - len(line.lstrip())
        match = re.match(pattern, line)
        if match and (not found or depth == indent):
            indent = depth
            found.append((match["names"], [match["text"]]))
        elif found and (not line or depth > indent or (previous and depth == indent)):
            found[-1][1].append(line)
        elif found:
            break
        previous = line
    for names, lines in found:
        for name in names.split(","):
            yield name.strip(" *"), _join_lines("\n".join(lines))


def _join_lines(text: str) -> str:
    """Join the lines of each paragraph and of each item of a list."""
    joined: list[str] = []
    for line in (" ".join(line.split()) for line in text.strip().splitlines()):
        if joined and joined[-1] and line and not re.match(_LIST_ITEM, line):
            joined[-1] += f" {line}"
        elif line or joined[-1]:
            joined.append(line)
    return "\n".join(joined)
