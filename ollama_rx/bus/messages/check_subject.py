"""The subjects that a user names. Source: https://docs.nats.io/nats-concepts/subjects ."""

import re

from ollama_rx.arguments import check_text, wrong_value

_WORD = r"[^\s.*>\x00-\x1f\x7f]+"
_SUBJECT = re.compile(rf"{_WORD}(\.{_WORD})*")
_PLAIN_WORD = re.compile(r"[A-Za-z0-9_-]{1,200}")
_PATTERN = re.compile(rf"((\*|{_WORD})\.)*(\*|>|{_WORD})")


def check_subject(subject: str) -> None:
    """Refuse a text that does not name exactly one subject.

    >>> check_subject("answers.*")
    Traceback (most recent call last):
    ValueError: subject: expected words between dots, as in answers.kitchen, got 'answers.*'
    """
    check_text("subject", subject)
    if not _SUBJECT.fullmatch(subject):
        raise wrong_value("subject", "words between dots, as in answers.kitchen", subject)


def check_pattern(subject: str) -> None:
    """Refuse a text that is neither a subject nor a pattern, with ``*`` for any word or ``>`` for any ending.

    >>> check_pattern("answers.>")
    >>> check_pattern("answers.>.kitchen")
    Traceback (most recent call last):
    ValueError: subject: expected words between dots, as in answers.* or answers.>, got 'answers.>.kitchen'
    """
    check_text("subject", subject)
    if not _PATTERN.fullmatch(subject):
        raise wrong_value("subject", "words between dots, as in answers.* or answers.>", subject)


def check_word(name: str, word: str) -> None:
    """Refuse a name that some server does not allow for a consumer or a queue group."""
    check_text(name, word)
    if not _PLAIN_WORD.fullmatch(word):
        raise wrong_value(name, "letters, digits, '_' and '-'", word)
