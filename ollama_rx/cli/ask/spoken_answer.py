"""Speak an answer, and print its words while they are said."""

from typing import TextIO

from reactivex import operators as rx

from ollama_rx import Chunk, deliver
from ollama_rx.cli.ask.answer_interrupt import AnswerInterrupt
from ollama_rx.cli.ask.answer_text import AnswerText, sentences_to_say
from ollama_rx.cli.ask.choose_voice import NoVoiceError
from ollama_rx.cli.ask.question import AnswerStream
from ollama_rx.cli.ask.spoken_text import SpokenText
from ollama_rx.cli.output.layout import printable
from ollama_rx.cli.output.status_line import StatusLine
from ollama_rx.cli.terminal import echo
from ollama_rx.speech import Speech, SpeechEngine, SpeechOutput


def make_voice(engine: SpeechEngine, output: SpeechOutput) -> Speech:
    """Return the voice.

    Raises:
        NoVoiceError: an extra is missing.
    """
    try:
        return Speech(engine, output)
    except ImportError as error:  # of the parser for Markdown
        raise NoVoiceError(str(error)) from error


def speak_answer(
    answer: AnswerStream,
    text: AnswerText,
    voice: Speech,
    *,
    interrupt: AnswerInterrupt,
    file: TextIO,
    status: StatusLine,
) -> None:
    """Speak an answer to its end, or until it is interrupted; say on standard error what is missing of it.

    Raises:
        OllamaError: the answer or the voice has failed.
        OSError: the text could not be printed.
    """
    report = answer.report

    def see(chunk: Chunk) -> None:
        if chunk.text:
            status.show(f"{report.model} is answering")
        elif chunk.thinking:
            status.show(f"{report.model} is thinking")

    printed = SpokenText(file, status)
    voice.events.subscribe(printed.on_event)
    voice.words.subscribe(printed.on_word)
    sentences = answer.text(text, see).pipe(sentences_to_say(strip=False), rx.do_action(printed.add))
    try:
        interrupt.wait(deliver(sentences, voice))
    finally:
        status.end()
        printed.close()
        report.stop_word = text.stop_word
        if missing := report.missing():
            echo(printable(missing))
    if printed.error:
        raise printed.error
