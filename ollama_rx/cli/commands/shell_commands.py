"""Commands for the shell: completion."""

from typing import Annotated

import typer

from ollama_rx.cli.completion import check_shell, complete_shell


def completion(
    shell: Annotated[
        str,
        typer.Argument(
            metavar="SHELL",
            callback=check_shell,
            autocompletion=complete_shell,
            help="bash, zsh, fish or powershell.",
        ),
    ],
) -> None:
    """Print a script that makes the Tab key complete commands, options and the names of models.

    \b
    In ~/.bashrc:  eval "$(ollama-rx completion bash)"
    In ~/.zshrc, below compinit:  eval "$(ollama-rx completion zsh)"
    In ~/.config/fish/config.fish:  ollama-rx completion fish | source
    In $PROFILE:  ollama-rx completion powershell | Out-String | Invoke-Expression
    """  # noqa: D301 - the \\b keeps the lines as they are
    from ollama_rx.cli.completion import print_completion  # noqa: PLC0415 - keeps --help fast

    print_completion(shell)
