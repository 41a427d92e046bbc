"""What ``ollama-rx bench`` asks: prompts, how often, how many at once, and with which options."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ollama_rx.cli.user_files import MAX_TEXT, read_file

MAX_TOKENS = 128  # of an answer, unless -o num_predict says otherwise
WARM_UP_PROMPT = "Hello"

_REQUESTS = 10
_SUBJECTS = (
    *("A lighthouse", "Bread", "Rivers", "The moon", "A violin"),
    *("Winter", "Bees", "An old map", "Glass", "A long train journey"),
)
# The subject stands first, so that no server finds the beginning of one prompt in its cache of another.
DEFAULT_PROMPTS = tuple(f"{subject}: write a long text about this." for subject in _SUBJECTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchPlan:
    """What is asked: at each level of concurrency the same number of requests."""

    prompts: tuple[str, ...]
    streams: tuple[int, ...]
    """How many requests run at once, for each level."""
    requests: int
    """How many there are at each level; they take the prompts in turn."""
    options: dict[str, Any]
    warm_up: bool

    def prompt_index(self, request: int) -> int:
        """Return which prompt a request of a level has; both are counted from 0."""
        return request % len(self.prompts)


def parse_streams(words: Iterable[str]) -> tuple[int, ...]:
    """Read ``--streams``, given several times or as a list.

    >>> parse_streams(["1,2", "4"])
    (1, 2, 4)

    Raises:
        ValueError: a word is not a whole number of at least 1.
    """
    numbers = [number.strip() for word in words for number in word.split(",")]
    for number in numbers:
        if not (number.isascii() and number.isdigit() and int(number)):
            raise ValueError(f"expected numbers of at least 1, as in 1,2,4, got {number!r}")
    return tuple(map(int, numbers)) or (1,)


def choose_requests(given: int | None, streams: Iterable[int]) -> int:
    """Return how many requests each level has: enough for all streams of the largest one.

    >>> choose_requests(None, (1, 16))
    16

    Raises:
        ValueError: fewer are asked for than there are streams.
    """
    most = max(streams)
    if given is None:
        return max(_REQUESTS, most)
    if given < most:
        raise ValueError(f"{given} requests cannot fill {most} streams")
    return given


def read_prompts(path: str) -> tuple[str, ...]:
    """Return the lines of a file that are not empty.

    Raises:
        ValueError: the file cannot be read, is too long, is not text in UTF-8, or has no such lines.
    """
    try:
        text = read_file(path, most=MAX_TEXT).decode()
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not text in UTF-8") from error
    lines = tuple(line for line in text.splitlines() if line.strip())
    if not lines:
        raise ValueError(f"{path} has no prompts: it should have one in each line")
    return lines
