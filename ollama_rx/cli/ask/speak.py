"""``ollama-rx speak``: send a prompt, and speak the answer."""

import sys
from dataclasses import dataclass

from ollama_rx.cli.ask.answer_interrupt import AnswerInterrupt
from ollama_rx.cli.ask.answer_report import AnswerReport, format_speech_stats
from ollama_rx.cli.ask.answer_text import AnswerText
from ollama_rx.cli.ask.choose_voice import VoiceOptions, check_output, open_output
from ollama_rx.cli.ask.question import AnswerStream, Question
from ollama_rx.cli.ask.spoken_answer import make_voice, speak_answer
from ollama_rx.cli.output.status_line import StatusLine
from ollama_rx.cli.terminal import echo, exit_on_error, usage_error
from ollama_rx.speech import Speech


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeakCommand:
    """The arguments of ``ollama-rx speak``."""

    question: Question
    voice: VoiceOptions
    out: str | None
    stop: tuple[str, ...]

    def execute(self) -> None:
        """Send the prompt and speak the answer; raises `typer.Exit` on failure."""
        with exit_on_error(), StatusLine() as status:
            question = self.question.parse()
            with usage_error("--stop", argument="words"):
                text = AnswerText(stop=self.stop, sentences=False)
            with usage_error("--out", argument="out"):
                check_output(self.out)
            with (
                self.voice.build(status.echo) as engine,
                question.ask(status) as answer,
                open_output(self.out, status.echo) as output,
            ):
                self._speak(answer, text, make_voice(engine, output), status)

    def _speak(self, answer: AnswerStream, text: AnswerText, voice: Speech, status: StatusLine) -> None:
        file = sys.stderr if self.out == "-" else sys.stdout
        with AnswerInterrupt() as interrupt:
            speak_answer(answer, text, voice, interrupt=interrupt, file=file, status=status)
        interrupt.raise_if_happened()
        _print_figures(answer.report, voice)


def _print_figures(report: AnswerReport, voice: Speech) -> None:
    if report.stats is not None and voice.stats is not None and report.has_text:
        figures = format_speech_stats(report.stats.time_to_first_text, voice.stats)
        echo(("\n" if sys.stderr.isatty() else "") + figures)
