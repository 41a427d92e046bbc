"""What standard error shows while an answer arrives: what it is waiting for, and the model's thoughts."""

from ollama_rx import Chunk
from ollama_rx.cli.ask.thoughts import Thoughts
from ollama_rx.cli.output.status_line import StatusLine


class AnswerProgress:
    """Shows each chunk's thoughts, or that there are some, and removes the status line when text begins.

    Without ``thoughts`` their text is not shown.
    """

    def __init__(self, status: StatusLine, model: str, thoughts: Thoughts | None) -> None:
        self._status = status
        self._model = model
        self._thoughts = thoughts

    def see(self, chunk: Chunk) -> None:
        """Show what a chunk tells besides its text."""
        if chunk.text or (chunk.thinking and self._thoughts is not None):
            self._status.end()
        elif chunk.thinking:
            self._status.show(f"{self._model} is thinking")
        if self._thoughts is not None:
            self._thoughts.show(chunk)

    def end(self) -> None:
        """Remove the status line, and end the line of a thought."""
        self._status.end()
        if self._thoughts is not None:
            self._thoughts.end()
