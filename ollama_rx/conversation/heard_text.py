"""Which part of a turn was heard, if the user has interrupted it."""

import re
from collections.abc import Sequence
from dataclasses import replace

from ollama_rx.chunks import Message


def cut_turn(turn: Sequence[Message], heard: str) -> tuple[Message, ...]:
    """Return a turn that is cut after what was heard.

    With tool calls a turn has several answers. ``heard`` is the text of the turn, or that of its last answer,
    from the beginning; white space may differ, because a voice does not keep it, and is then that of the
    answer. Nothing heard means nothing of the last answer. The answers after the one that was cut stay,
    without text: their tools have run.

    >>> turn = [Message("user", "Hi"), Message("assistant", "Hello, Ada")]
    >>> cut_turn(turn, "Hello")[1].content
    'Hello'
    """
    answers = [at for at, message in enumerate(turn) if message.role == "assistant"]
    if not answers:
        return (*turn, Message("assistant", heard, cut=True))
    at, text = _last_heard(turn, answers, heard)
    text = _as_written(turn[at].content, text)
    return tuple(
        replace(message, content=text if here == at else "", cut=True)
        if here >= at and message.role == "assistant"
        else message
        for here, message in enumerate(turn)
    )


def _last_heard(turn: Sequence[Message], answers: Sequence[int], heard: str) -> tuple[int, str]:
    """Return the position of the answer in which ``heard`` ends, and what was heard of that one."""
    *earlier, last = answers
    rest = heard
    for at in earlier if heard.strip() else ():
        answer = turn[at].content
        following = _rest_after(rest, answer)
        if following is None:
            within_answer = _rest_after(answer, rest) is not None
            return (at, rest) if within_answer else (last, heard)
        rest = following
    return last, rest


def _as_written(answer: str, heard: str) -> str:
    """Return the beginning of an answer that was heard, with the answer's own white space."""
    rest = None if answer.startswith(heard) else _rest_after(answer, heard)
    return heard if rest is None else answer[: len(answer) - len(rest)].rstrip()


def _rest_after(text: str, beginning: str) -> str | None:
    """Return what follows a beginning of a text, whatever their white space; None if it begins otherwise."""
    words = map(re.escape, beginning.split())
    found = re.match(r"\s*" + r"\s*".join([*words, ""]), text)
    return text[found.end() :] if found else None
