"""What the caller of `split_sentences` asked for: checked once, shared by all subscriptions."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from ollama_rx.arguments import check_flag, check_seconds, check_whole
from ollama_rx.operators._sentences.clauses import ClauseRules
from ollama_rx.operators._sentences.delivery import Delivery
from ollama_rx.operators._sentences.lexicon import lexicon_for
from ollama_rx.operators._sentences.limit import LimitedSplitter
from ollama_rx.operators._sentences.machine import Splitter
from ollama_rx.operators._sentences.rules import Rules


@dataclass(frozen=True, slots=True)
class Options:
    """The arguments of `split_sentences`."""

    language: str | None
    eager: bool
    min_chars: int
    max_chars: int | None
    first_fragment: bool
    idle: float | None
    strip: bool

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        check_flag("eager", self.eager)
        _rules(self.language, eager=self.eager)
        check_whole("min_chars", self.min_chars, least=0)
        if self.max_chars is not None:
            check_whole("max_chars", self.max_chars, least=1)
            if self.max_chars < self.min_chars:
                raise ValueError(f"max_chars ({self.max_chars}) is below min_chars ({self.min_chars})")
        check_flag("first_fragment", self.first_fragment)
        if self.idle is not None:
            check_seconds("idle", self.idle)
        check_flag("strip", self.strip)

    def splitter(self, deliver: Callable[[str], object]) -> Splitter:
        """Return a machine that cuts text into sentences."""
        rules = _rules(self.language, eager=self.eager)
        opening = _opening(rules, self.min_chars) if self.first_fragment else None
        if self.max_chars is None:
            return Splitter(deliver, rules, opening)
        return LimitedSplitter(deliver, rules, opening, longest=self.max_chars)

    def delivery(self, emit: Callable[[str], object]) -> Delivery:
        """Return what merges short sentences and strips spaces."""
        return Delivery(emit, strip=self.strip, min_chars=self.min_chars, max_chars=self.max_chars)


@cache
def _rules(language: str | None, *, eager: bool) -> Rules:
    return Rules(lexicon_for(language), eager=eager)


@cache
def _opening(rules: Rules, min_chars: int) -> ClauseRules:
    return ClauseRules(rules, min_chars)
