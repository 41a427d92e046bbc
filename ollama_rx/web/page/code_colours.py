"""Code as HTML with the classes of Pygments, in a time that has a limit."""

from functools import cache, lru_cache
from importlib import import_module
from time import thread_time
from typing import Any, Final

_MOST_CHARACTERS: Final = 50_000
_MOST_SECONDS: Final = 0.2  # of this thread; about what this many characters take

# Pygments knows some five hundred languages. A rule of some of them takes minutes for a page of quotation
# marks or spaces, which a model may write, and nothing interrupts it. These are languages that people ask
# for, and that were tried with pages of such signs; the names are those of Pygments.
_LANGUAGES: Final = frozenset(
    [
        "Bash",
        "Batchfile",
        "C",
        "C#",
        "C++",
        "Clojure",
        "CMake",
        "Common Lisp",
        "CSS",
        "Dart",
        "Diff",
        "Django/Jinja",
        "Docker",
        "Elixir",
        "Erlang",
        "F#",
        "Fish",
        "Fortran",
        "Go",
        "GraphQL",
        "Groovy",
        "Haskell",
        "HTML",
        "HTTP",
        "Java",
        "JavaScript",
        "JSON",
        "JSX",
        "Julia",
        "Kotlin",
        "LessCss",
        "Lua",
        "Makefile",
        "Markdown",
        "MySQL",
        "NASM",
        "Nginx configuration file",
        "Objective-C",
        "Perl",
        "PHP",
        "PostgreSQL SQL dialect",
        "PowerShell",
        "Properties",
        "Protocol Buffer",
        "Python",
        "reStructuredText",
        "Ruby",
        "Rust",
        "S",
        "Sass",
        "Scala",
        "SCSS",
        "Solidity",
        "SQL",
        "Swift",
        "Terraform",
        "TeX",
        "TOML",
        "TSX",
        "TypeScript",
        "VB.net",
        "VimL",
        "XML",
        "YAML",
        "Zig",
    ]
)


def coloured(code: str, language: str) -> str | None:
    r"""Return code as HTML; None for a language that is not coloured, and for code that takes long.

    >>> coloured("return 1", "python")
    '<span class="k">return</span> <span class="mi">1</span>\n'
    """
    lexer = _lexer(language.lower()) if len(code) <= _MOST_CHARACTERS else None
    if lexer is None or lexer.name not in _LANGUAGES:
        return None
    pieces: list[tuple[object, str]] = []
    end = thread_time() + _MOST_SECONDS
    for piece in lexer.get_tokens(code):
        pieces.append(piece)
        if thread_time() > end:
            return None
    return str(_pygments("").format(pieces, _formatter()))


@lru_cache(50)
def _lexer(language: str) -> Any:
    try:
        return _pygments(".lexers").get_lexer_by_name(language, stripnl=False, ensurenl=False)
    except _pygments(".util").ClassNotFound:
        return None


@cache
def _formatter() -> Any:
    return _pygments(".formatters").HtmlFormatter(nowrap=True)


def _pygments(module: str) -> Any:
    return import_module(f"pygments{module}")  # slow to import, and without types
