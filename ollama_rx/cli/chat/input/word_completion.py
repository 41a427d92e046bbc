"""What the Tab key completes."""

from collections.abc import Callable, Iterable

from ollama_rx.cli.chat.input.file_names import complete_name


def complete(before: str, words: Callable[[str], Iterable[str]]) -> tuple[int, list[str]]:
    """Return where the word before the cursor begins, and how it could go on.

    After ``@`` these are names of files, else those of ``words(before)`` that begin as the word does.
    """
    if (names := complete_name(before)) is not None:
        return names
    start = 1 + max(map(before.rfind, " \t\n"))
    word = before[start:]
    return start, [found for found in words(before) if found.startswith(word) and found != word]
