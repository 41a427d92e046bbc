"""``/stats``: figures of the last answer and of the talk."""

from ollama_rx.cli.ask.answer_report import format_stats
from ollama_rx.cli.chat.chat_session import ChatSession
from ollama_rx.cli.chat.slash_commands.slash_command import SlashCommand
from ollama_rx.cli.output.layout import align_columns
from ollama_rx.cli.terminal import echo


def _show(session: ChatSession, _: str) -> None:
    report, talk = session.report, session.talk
    if report is not None and report.stats is not None:
        echo("the last answer\n" + format_stats(report.stats, report.end()))
    used, limit = talk.tokens_used, talk.tokens_limit
    tokens = "not counted yet" if used is None else f"{used}" if limit is None else f"{used} of {limit}"
    rows = [("model", session.model), ("messages", str(len(talk.messages))), ("tokens", tokens)]
    if talk.cut_by_server:
        rows.append(("left out", "the oldest messages, which the server found no room for"))
    echo("the conversation\n" + align_columns(rows))


STATS = SlashCommand("stats", "", "show figures of the last answer and the chat", _show)
