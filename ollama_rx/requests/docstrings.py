"""What a docstring says about a function and its parameters, in Google's, NumPy's and reST's style."""

import re

# a section's heading: Google's ends with a colon, NumPy's is underlined
_SECTION = re.compile(
    r"^(?P<name>Args|Arguments|Parameters|Other Parameters|Returns?|Yields?|Raises|Warns?|Examples?|Notes?"
    r"|References|See Also|Attributes)(?::[ \t]*|\n-{3,}[ \t]*)$",
    re.MULTILINE,
)
_OF_PARAMETERS = {"Args", "Arguments", "Parameters", "Other Parameters"}
_REST = re.compile(r"^:(?:param(?P<type>[^:\n]*?)\s\*{0,2}(?P<name>\w+)|\w+[^:\n]*):[ \t]*", re.MULTILINE)
_GOOGLE = re.compile(r"^([ \t]+)\*{0,2}(\w+)[ \t]*(?:\([^)]*\))?:[ \t]*(.*)$")
_NUMPY = re.compile(r"^()(\*{0,2}\w+(?:, *\*{0,2}\w+)*)[ \t]*(?::.*)?()$")


def describe(text: str) -> tuple[str, dict[str, str]]:
    r"""Split a docstring (as of ``inspect.getdoc``) into its summary and the parameters' descriptions.

    >>> describe("Tell the weather.\n\nArgs:\n    city: Where,\n        by name.\n    days: How long.")
    ('Tell the weather.', {'city': 'Where, by name.', 'days': 'How long.'})
    """
    sections = list(_SECTION.finditer(text))
    fields = list(_REST.finditer(text))
    starts = sorted(found.start() for found in (*sections, *fields))
    summary = _flat(text[: min(starts, default=len(text))])
    described: dict[str, str] = {}
    for section in sections:
        if section["name"] in _OF_PARAMETERS:
            described |= _parameters(_until_next(text, section.end(), starts), underlined="\n" in section[0])
    for field in fields:
        if field["name"]:
            described[field["name"]] = _flat(_until_next(text, field.end(), starts).partition("\n\n")[0])
    return summary, {name: said for name, said in described.items() if said}


def _until_next(text: str, start: int, starts: list[int]) -> str:
    return text[start : next((place for place in starts if place >= start), len(text))]


def _parameters(text: str, *, underlined: bool) -> dict[str, str]:
    pattern = _NUMPY if underlined else _GOOGLE
    found: dict[str, str] = {}
    indent: str | None = None
    current = ""
    for line in text.splitlines():
        match = pattern.match(line)
        if match and indent in {None, match[1]}:
            indent, current = match[1], match[2]
            found[current] = match[3]
        elif current and line.startswith((indent or "") + " "):
            found[current] += " " + line
        elif line.strip():
            break
    return {name.strip(" *"): _flat(said) for names, said in found.items() for name in names.split(",")}


def _flat(text: str) -> str:
    return " ".join(text.split())
