"""What a command says about an answer on standard error: how it ended, what is missing, statistics."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ollama_rx import Chunk, SinkError
from ollama_rx.cli.output.counted import counted
from ollama_rx.cli.output.layout import align_columns
from ollama_rx.stats import EndedBy, Metrics, Stats

if TYPE_CHECKING:
    from ollama_rx.speech import SpeechStats

_ENDS: dict[EndedBy, str] = {
    "stop": "the model finished",
    "tool_calls": "the model called tools",
    "length": "token limit",
    "load": "the model was only loaded",
    "unload": "the model was unloaded",
    "error": "an error",
    "disposed": "the output was closed",
}


@dataclass(slots=True, kw_only=True)
class AnswerReport:
    """What was seen of an answer, and what the user asked for."""

    model: str = ""
    stop_option: bool = False
    """Whether the server was given stop words: it does not say whether one of them has ended the answer."""
    json: bool = False
    """Whether the answer must be JSON."""
    suggest_thinking: bool = True
    """Whether ``--thinking`` would show the thoughts."""
    stats: Stats | None = None
    stop_word: str | None = None
    error: BaseException | None = None
    has_text: bool = False
    has_thoughts: bool = False
    tools: list[str] = field(default_factory=list[str])

    def set_stats(self, stats: Stats) -> None:
        """Take the statistics at the end of the answer."""
        self.stats = stats

    def see(self, chunk: Chunk) -> None:
        """Note what a chunk holds besides text."""
        self.has_thoughts = self.has_thoughts or bool(chunk.thinking)
        self.tools += [call.name for call in chunk.tool_calls]

    def see_text(self, text: str) -> None:
        """Note whether there is text for the sinks."""
        self.has_text = self.has_text or bool(text.strip())

    def end(self) -> str:
        """Say how the answer ended.

        >>> AnswerReport(stop_word="END").end()
        'stop word "END"'
        """
        if self.stop_word is not None:
            return f'stop word "{self.stop_word}"'
        ended_by = self.stats.ended_by if self.stats else "disposed"
        if ended_by == "disposed" and isinstance(self.error, KeyboardInterrupt):
            return "interrupted"
        if ended_by == "disposed" and isinstance(self.error, SinkError):
            return "a sink failed"
        if ended_by == "stop" and self.stop_option:
            return "the model finished, or met a stop word of -o stop"
        return _ENDS[ended_by]

    def missing(self) -> str | None:
        """Say what a user who sees no answer, or half of one, must know; None if nothing is missing."""
        if self.stats is None:
            return None
        cut = self.stats.ended_by == "length"
        if self.has_text:
            return "the token limit cut the answer, so its JSON is incomplete" if cut and self.json else None
        if self.stop_word is not None:
            return f'no answer: the model began with the stop word "{self.stop_word}"'
        if self.stats.ended_by in {"error", "disposed"}:
            return None  # there is a line about the error, or the user has ended the answer
        return self._instead_of_text(cut=cut)

    def _instead_of_text(self, *, cut: bool) -> str:
        if self.tools:
            return f"no answer: the model only called tools ({', '.join(self.tools)})"
        if self.has_thoughts:
            why = "thoughts used up the token limit, which -o num_predict raises" if cut else "only thoughts"
            return f"no answer: {why}" + ("; --thinking shows them" if self.suggest_thinking else "")
        return "no answer: the token limit was reached before it began" if cut else "the answer is empty"


def format_stats(stats: Stats, end: str) -> str:
    """Write the figures of ``--stats``, one a line; unknown ones are omitted."""
    metrics = stats.metrics or Metrics()
    rows = [
        ("model", stats.model),
        ("end", end),
        ("first text", _seconds(stats.time_to_first_text)),
        ("duration", _seconds(stats.duration)),
        ("loading", _seconds(metrics.load_duration)),
        ("prompt", _tokens(metrics.prompt_eval_count, stats.prompt_tokens_per_second)),
        ("answer", _tokens(metrics.eval_count, stats.tokens_per_second)),
        ("text", f"{counted(stats.characters, 'character')} in {counted(stats.chunks, 'chunk')}"),
        ("gaps", _gaps(stats)),
    ]
    return align_columns([row for row in rows if row[1]])


def format_speech_stats(first_token: float | None, stats: "SpeechStats") -> str:
    """Write the figures of a voice, one a line; unknown ones are omitted."""
    factor = stats.real_time_factor
    rows = [
        ("first token", _seconds(first_token)),
        ("first sentence", _seconds(stats.first_sentence)),
        ("first audio", _seconds(stats.first_audio)),
        ("audio", _seconds(stats.audio)),
        ("real-time factor", "" if factor is None else f"{factor:.3f}"),
    ]
    return align_columns([row for row in rows if row[1]])


def _seconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds:.2f} s"


def _tokens(count: int | None, per_second: float | None) -> str:
    if count is None:
        return ""
    return counted(count, "token") + ("" if per_second is None else f", {per_second:.1f} a second")


def _gaps(stats: Stats) -> str:
    if stats.gap_p50 is None or stats.gap_p95 is None or stats.gap_max is None:
        return ""
    median, most, widest = (round(gap * 1000) for gap in (stats.gap_p50, stats.gap_p95, stats.gap_max))
    return f"{median} ms between chunks (median), 95 % below {most} ms, at most {widest} ms"
