"""Ollama's token streams as reactivex Observables."""

from ollama_rx.chunks import Chunk, Message, Progress, ToolCall
from ollama_rx.metrics import Metrics

__all__ = ["Chunk", "Message", "Metrics", "Progress", "ToolCall"]
