"""Usage errors in one line, and a hint for a prompt that is given without a command."""

import sys
from shlex import quote
from typing import Any, cast

import typer
from typer.core import TyperGroup

EXIT_USAGE = 2

# Of click, or of the copy of it inside newer versions of typer, which export its subclass only.
_UsageError = cast("type[typer.BadParameter]", typer.BadParameter.__bases__[0])


class Commands(TyperGroup):
    """The commands of ``ollama-rx``; a usage error is one line on standard error and exit code 2."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names as --help shows them: commands that have further ones below them last."""
        names = super().list_commands(ctx)
        return sorted(names, key=lambda name: isinstance(self.commands[name], TyperGroup))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command; for a word that is not one, ask whether it is a prompt."""
        try:
            return super().resolve_command(ctx, args)
        except _UsageError as error:
            if not error.message.endswith("?"):  # as for a misspelt command
                error.message += f" Did you mean: {ctx.command_path} run {quote(args[0])}?"
            raise

    def main(self, *args: Any, **settings: Any) -> Any:
        """Run a command and exit."""
        settings["standalone_mode"] = False
        try:
            code = super().main(*args, **settings)
        except _UsageError as error:
            from ollama_rx.cli.terminal import echo, one_line  # noqa: PLC0415 - keeps --help fast

            echo(f"ollama-rx: {one_line(error.format_message())}{_hint(error)}")
            sys.exit(EXIT_USAGE)
        sys.exit(code if isinstance(code, int) else 0)


def _hint(error: typer.BadParameter) -> str:
    if isinstance(error, typer.BadParameter) or error.message.endswith("?"):
        return ""
    if "unexpected extra argument" in error.message:
        return "; put the prompt in quotes, and name the model with -m"
    return f" ({error.ctx.command_path if error.ctx else 'ollama-rx'} --help shows the usage)"
