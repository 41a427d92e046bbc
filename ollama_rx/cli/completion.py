r"""Completion at the Tab key: the scripts for the shells, and what is completed.

The script calls ``ollama-rx`` with the words so far in variables of the environment, and typer answers. The
names of these variables are those of typer's own scripts, which users have in their files.
"""

import os
import sys
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, suppress
from io import StringIO
from typing import NoReturn

import typer

_PROGRAM, _VARIABLE = "ollama-rx", "_OLLAMA_RX_COMPLETE"
_SHELLS = ("bash", "zsh", "fish", "powershell")
_SECONDS = 1.0  # for the server; a shell does not react meanwhile
_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:/@-")

# Typer's own script for bash cannot complete the names of models: bash splits a word at its colons, and
# replaces what stands after the last one.
_BASH = r"""_ollama_rx_completion() {
    local line="${COMP_LINE:0:COMP_POINT}" value before=
    local word="${line##*[ =]}"
    if [[ $COMP_WORDBREAKS == *:* ]]; then
        before="${word%"${word##*:}"}"
    fi
    COMPREPLY=()
    while IFS=$'\t' read -r value _; do
        COMPREPLY+=("${value#"$before"}")
    done < <(env _OLLAMA_RX_COMPLETE=complete_fish _TYPER_COMPLETE_FISH_ACTION=get-args \
                 _TYPER_COMPLETE_ARGS="$line" "$1" 2>/dev/null)
}

complete -o default -F _ollama_rx_completion ollama-rx"""


def check_shell(value: str) -> str:
    """Refuse a shell for which there is no script."""
    if value not in _SHELLS:
        raise typer.BadParameter(f"expected {', '.join(_SHELLS[:-1])} or {_SHELLS[-1]}, got {value!r}")
    return value


def complete_shell(incomplete: str) -> Sequence[str]:
    """Return the names of the shells that begin like this."""
    return [shell for shell in _SHELLS if shell.startswith(incomplete)]


def print_completion(shell: str) -> None:
    """Print the script for a shell."""
    from typer._completion_shared import get_completion_script  # noqa: PLC0415 - rarely needed

    from ollama_rx.cli.terminal import echo  # noqa: PLC0415

    script = get_completion_script(prog_name=_PROGRAM, complete_var=_VARIABLE, shell=shell)
    echo(_BASH if shell == "bash" else script, sys.stdout)


def is_completing() -> bool:
    """Tell whether a shell asks for the words that may follow."""
    return bool(os.environ.get(_VARIABLE))  # which PowerShell leaves empty


def complete(run: Callable[[], object]) -> NoReturn:
    """Let typer answer a shell: ``run`` is the command line, which ends with an exit code."""
    from typer._completion_classes import completion_init  # noqa: PLC0415 - rarely needed

    # With rich, which takes as long to import as all the rest, typer would remove markup from the help.
    sys.modules.setdefault("rich", None)  # type: ignore[arg-type]
    completion_init()
    code = 1
    try:
        with redirect_stderr(StringIO()):  # nothing but an answer may appear on the command line
            run()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    except Exception:  # noqa: BLE001 - a shell has no use for a traceback
        code = 1
    with suppress(OSError):
        sys.stdout.flush()
    os._exit(code)  # a look-up of a name that is not answered would keep the process, and so the shell


def _is_plain(name: str) -> bool:
    return name[:1].isalnum() and _LETTERS.issuperset(name)


def complete_model(context: typer.Context, incomplete: str) -> Sequence[str]:
    """Return the names of the server's models that begin like this; none if it does not answer soon.

    A shell would interpret some characters, so names that do not have Ollama's own form are left out.
    """
    from ollama_rx import Timeouts  # noqa: PLC0415 - keeps --help fast
    from ollama_rx.cli.choose_client import any_client, first_value  # noqa: PLC0415
    from ollama_rx.cli.in_background import in_background  # noqa: PLC0415

    host = context.params.get("host")

    def names() -> list[str]:
        limits = Timeouts(connect=_SECONDS, first_chunk=_SECONDS)
        with any_client(host if isinstance(host, str) else None, timeouts=limits) as client:
            return [model.name for model in first_value(client.models())]

    with suppress(Exception, SystemExit):
        found = in_background(names).result(_SECONDS)
        return [name for name in found if name.startswith(incomplete) and _is_plain(name)]
    return []
