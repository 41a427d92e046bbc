"""Draw docs/terminal.svg: a terminal in which a person has typed. Needs tmux, and rich to draw.

``python -m tests.docs.draw_terminal`` types what stands in ``TYPED`` into the real program, and a real model
answers: that of the server in ``OLLAMA_HOST``, else of one on this machine, else the embedded model.
"""

import io
import os
import re
import subprocess
import time
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

PICTURE = Path(__file__).parents[2] / "docs" / "terminal.svg"
COLUMNS, ROWS = 80, 46
SESSION = "ollama-rx-picture"
FONTS = re.compile(r"@font-face \{.*?\}", re.DOTALL)
SHELL_PROMPT, CHAT_PROMPT = "$", ">>>"
TYPED = (
    "Write a Python function that adds two numbers, and show how to call it.",
    "Say in one sentence what it does.",
    "/stats",
)


def main() -> None:
    """Type, wait for each answer, and draw what the screen shows at the end."""
    folder = Path(os.environ.get("VIRTUAL_ENV", ".venv")) / "bin"
    shell = f"PS1='$ ' PATH={folder.resolve()}:$PATH exec bash --norc --noprofile"
    tmux("kill-session", "-t", SESSION, check=False)
    tmux("new-session", "-d", "-s", SESSION, "-x", str(COLUMNS), "-y", str(ROWS), shell)
    try:
        wait_until_ready(SHELL_PROMPT)
        type_line("clear")
        wait_until_ready(SHELL_PROMPT)
        type_line("ollama-rx chat -o temperature=0 -o num_predict=120")
        for line in TYPED:
            wait_until_ready(CHAT_PROMPT)
            type_line(line)
        wait_until_ready(CHAT_PROMPT)
        screen = tmux("capture-pane", "-t", SESSION, "-p", "-e").rstrip()
    finally:
        tmux("kill-session", "-t", SESSION, check=False)
    console = Console(record=True, width=COLUMNS, file=io.StringIO())
    console.print(Text.from_ansi(screen))
    drawn = console.export_svg(title="ollama-rx chat", theme=MONOKAI, unique_id="terminal")
    PICTURE.write_text(FONTS.sub("", drawn), encoding="utf-8")  # a picture fetches nothing


def wait_until_ready(prompt: str) -> None:
    """Wait until the screen ends with a prompt, and nothing more is written for a moment."""
    before = ""
    while True:
        time.sleep(1)
        screen = tmux("capture-pane", "-t", SESSION, "-p").rstrip("\n")
        if screen == before and f"\n{screen.rstrip()}".endswith(f"\n{prompt}"):
            return
        before = screen


def type_line(line: str) -> None:
    """Type a line as a person would."""
    tmux("send-keys", "-t", SESSION, "-l", line)
    tmux("send-keys", "-t", SESSION, "Enter")


def tmux(*words: str, check: bool = True) -> str:
    """Run a command of tmux; return what it prints."""
    done = subprocess.run(["tmux", *words], check=check, capture_output=True, text=True)  # noqa: S603, S607 - ours
    return done.stdout


if __name__ == "__main__":
    main()
