"""``ollama-rx speak``: send a prompt, and speak the answer."""

import sys
from dataclasses import dataclass

from reactivex import operators as rx

from ollama_rx import Chunk, deliver
from ollama_rx.cli.answer_interrupt import AnswerInterrupt
from ollama_rx.cli.answer_report import AnswerReport, format_speech_stats
from ollama_rx.cli.answer_text import AnswerText, sentences_to_say
from ollama_rx.cli.choose_voice import NoVoiceError, VoiceOptions, check_output, open_output
from ollama_rx.cli.question import AnswerStream, Question
from ollama_rx.cli.spoken_text import SpokenText
from ollama_rx.cli.status_line import StatusLine
from ollama_rx.cli.terminal import echo, exit_on_error, printable, usage_error
from ollama_rx.speech import Speech, SpeechEngine, SpeechOutput


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
                self._speak(answer, text, _voice(engine, output), status)

    def _speak(self, answer: AnswerStream, text: AnswerText, voice: Speech, status: StatusLine) -> None:
        report = answer.report

        def see(chunk: Chunk) -> None:
            if chunk.text:
                status.show(f"{report.model} answers")
            elif chunk.thinking:
                status.show(f"{report.model} is thinking")

        printed = SpokenText(sys.stderr if self.out == "-" else sys.stdout, status)
        voice.events.subscribe(printed.on_event)
        voice.words.subscribe(printed.on_word)
        sentences = answer.text(text, see).pipe(sentences_to_say(strip=False), rx.do_action(printed.add))
        try:
            with AnswerInterrupt() as interrupt:
                interrupt.wait(deliver(sentences, voice))
            interrupt.raise_if_happened()
        finally:
            status.end()
            printed.close()
            report.stop_word = text.stop_word
            if missing := report.missing():
                echo(printable(missing))
        if printed.error:
            raise printed.error
        _print_figures(report, voice)


def _voice(engine: SpeechEngine, output: SpeechOutput) -> Speech:
    try:
        return Speech(engine, output)
    except ImportError as error:  # of the parser for Markdown
        raise NoVoiceError(str(error)) from error


def _print_figures(report: AnswerReport, voice: Speech) -> None:
    if report.stats is not None and voice.stats is not None and report.has_text:
        figures = format_speech_stats(report.stats.time_to_first_text, voice.stats)
        echo(("\n" if sys.stderr.isatty() else "") + figures)
