"""Conversations: the history of a chat, tool rounds, interruptions."""

from ollama_rx.conversation.chat_arguments import ChatArguments
from ollama_rx.conversation.conversation import Conversation
from ollama_rx.conversation.tool_result import Answer, Decision, Refuse, ToolResult
from ollama_rx.conversation.trimming import Trim, keep_last

__all__ = [
    "Answer",
    "ChatArguments",
    "Conversation",
    "Decision",
    "Refuse",
    "ToolResult",
    "Trim",
    "keep_last",
]
