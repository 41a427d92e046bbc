"""The pages of documentation, their sections and their blocks of code."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for path in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
}
README = PAGES["README.md"]

_FILE = re.compile(r"# ([\w/]+\.py)\n")


def section(page: str, title: str) -> str:
    """Return the text below a heading of the second level."""
    return page.split(f"\n## {title}\n")[1].split("\n## ", maxsplit=1)[0]


def prose(page: str) -> str:
    """Return a page without its blocks of code."""
    return re.sub(r"^```.*?^```", "", page, flags=re.DOTALL | re.MULTILINE)


def blocks(text: str, language: str = "python") -> list[str]:
    """Return the blocks of code in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def files(text: str) -> dict[str, str]:
    """Return the blocks that begin with the path of a file, by that path; the others are to be run."""
    return {found[1]: code[found.end() :] for code in blocks(text) if (found := _FILE.match(code))}


def programs(text: str) -> list[str]:
    """Return the blocks that are programs, not files."""
    return [code for code in blocks(text) if not _FILE.match(code)]
