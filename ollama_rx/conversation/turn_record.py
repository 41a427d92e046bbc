"""What has been said so far in one turn: at any moment, a history that can be sent."""

from collections.abc import Sequence

from ollama_rx.chunks import Chunk, Message, ToolCall
from ollama_rx.conversation.tool_result import ToolResult
from ollama_rx.joined_chunks import JoinedChunks

NO_RESULT = "no result: the turn ended first"
"""The tool message of a call that did not run, or not to its end."""


class TurnRecord:
    """Records one turn: the user's message, the answers, the results of their tool calls."""

    def __init__(self, before: tuple[Message, ...], user: Message) -> None:
        self.before = before
        self.has_ended = False  # nothing is recorded any more
        self._turn = [user]  # the messages that will not change any more
        self._answer = JoinedChunks()  # the current one
        self._unanswered: list[ToolCall] = []  # the calls of the last complete answer

    def add_chunk(self, chunk: Chunk) -> None:
        """Record a chunk of the current answer."""
        self._answer.add(chunk)

    def end_answer(self) -> Chunk:
        """Record that the current answer is complete, and return it."""
        answer = self._answer.chunk
        self._answer = JoinedChunks()
        self._turn.append(answer.message)
        self._unanswered = [*answer.tool_calls]
        return answer

    def add_result(self, result: ToolResult) -> None:
        """Record the result of the first call that has none."""
        self._turn.append(result.message)
        del self._unanswered[0]

    @property
    def request(self) -> tuple[Message, ...]:
        """The messages of the next request."""
        return (*self.before, *self._turn)

    @property
    def turn(self) -> tuple[Message, ...]:
        """The messages of the turn, if it ended now; every call has its tool message."""
        answer = self._answer_so_far()
        calls = self._unanswered if answer is None else answer.tool_calls
        answers = () if answer is None else (answer,)
        return (*self._turn, *answers, *(ToolResult(call, NO_RESULT).message for call in calls))

    @property
    def messages(self) -> tuple[Message, ...]:
        """What the history would be if the turn ended now: as it was before, if there is no answer."""
        turn = self.turn
        return (*self.before, *turn) if len(turn) > 1 else self.before

    def _answer_so_far(self) -> Message | None:
        """Return the current answer as a message, if something of it has arrived."""
        if self._answer.is_empty:
            return None
        if self._answer.chunk.done:  # the subscriber has disposed after the last chunk
            return self._answer.message()
        message = self._answer.message(cut=True)
        return message if message.content or message.thinking else None


def begin_of_last_turn(messages: Sequence[Message]) -> int:
    """Return the position of the last user message; the end if there is none."""
    positions = (at for at in reversed(range(len(messages))) if messages[at].role == "user")
    return next(positions, len(messages))
