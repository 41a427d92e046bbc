"""What becomes of a tool call: its result, or the decision not to run it."""

from dataclasses import dataclass

from ollama_rx.arguments import check_text
from ollama_rx.chunks import Message, ToolCall
from ollama_rx.protocol.lenient_json import make_whole


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What the model is told about one of its calls.

    ``error`` is the exception that kept the call from giving a result, if there was one; ``content`` says it
    in words.

    >>> ToolResult(ToolCall("weather", {"city": "Ulm"}), "rain").message.content
    'rain'
    """

    call: ToolCall
    content: str
    error: Exception | None = None

    @property
    def text(self) -> str:
        """What the model says to the user here: nothing, so `Console` prints the chunks around it."""
        return ""

    @property
    def thinking(self) -> str:
        """Nothing, as ``text``."""
        return ""

    @property
    def message(self) -> Message:
        """The tool message of the history."""
        content = make_whole(self.content)  # it may be text from anywhere, such as a file
        return Message("tool", content, tool_name=self.call.name, tool_call_id=self.call.id)


@dataclass(frozen=True, slots=True)
class Refuse:
    """Returned by ``on_tool_call``: the call does not run, and the model is told why."""

    reason: str

    def __post_init__(self) -> None:
        check_text("Refuse", self.reason)


@dataclass(frozen=True, slots=True)
class Answer:
    """Returned by ``on_tool_call``: the call does not run, and this is its result."""

    content: object


Decision = bool | Refuse | Answer
"""What ``on_tool_call`` returns: True runs the call, False and `Refuse` do not, `Answer` is its result."""
