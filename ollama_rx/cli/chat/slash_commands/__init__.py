"""What begins with a slash at the prompt of a chat: the commands, declared once each."""

from ollama_rx.cli.chat.slash_commands.command_table import complete_slash, run_slash

__all__ = ["complete_slash", "run_slash"]
