"""Conversations: the history of a chat, tool rounds, interruptions."""

from ollama_rx.conversation.conversation import Conversation
from ollama_rx.conversation.tool_result import Answer, Refuse, ToolResult
from ollama_rx.conversation.trimming import keep_last

__all__ = ["Answer", "Conversation", "Refuse", "ToolResult", "keep_last"]
