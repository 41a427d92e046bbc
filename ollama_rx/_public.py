"""The public names of the package; `ollama_rx` imports this module when the first of them is used."""

from ollama_rx.blocks import Block
from ollama_rx.chunks import Chunk, ContextBox, Message, Progress, ToolCall
from ollama_rx.client import Client
from ollama_rx.conversation import Conversation, ToolResult
from ollama_rx.delivery.deliver import Delivery, deliver
from ollama_rx.delivery.iterate import iterate
from ollama_rx.errors import (
    BadJsonError,
    BadLineError,
    BusyError,
    ClientClosedError,
    EmbeddedModelError,
    FirstChunkTimeout,
    IdleTimeout,
    IncompleteStreamError,
    LineTooLongError,
    ModelNotFoundError,
    OllamaError,
    RateLimitedError,
    ServerError,
    SinkError,
    StatusError,
    StreamError,
    TimedOutError,
    ToolRoundsError,
    TotalTimeout,
    UnauthorizedError,
    UnreachableError,
)
from ollama_rx.responses import (
    Embeddings,
    Model,
    ModelInfo,
    RunningModel,
    WebPage,
    WebSearchResult,
    WebSearchResults,
)
from ollama_rx.stats import Metrics, Stats, StatsTotals
from ollama_rx.transport.timeouts import Timeouts

__all__: list[str] = [
    "BadJsonError",
    "BadLineError",
    "Block",
    "BusyError",
    "Chunk",
    "Client",
    "ClientClosedError",
    "ContextBox",
    "Conversation",
    "Delivery",
    "EmbeddedModelError",
    "Embeddings",
    "FirstChunkTimeout",
    "IdleTimeout",
    "IncompleteStreamError",
    "LineTooLongError",
    "Message",
    "Metrics",
    "Model",
    "ModelInfo",
    "ModelNotFoundError",
    "OllamaError",
    "Progress",
    "RateLimitedError",
    "RunningModel",
    "ServerError",
    "SinkError",
    "Stats",
    "StatsTotals",
    "StatusError",
    "StreamError",
    "TimedOutError",
    "Timeouts",
    "ToolCall",
    "ToolResult",
    "ToolRoundsError",
    "TotalTimeout",
    "UnauthorizedError",
    "UnreachableError",
    "WebPage",
    "WebSearchResult",
    "WebSearchResults",
    "deliver",
    "iterate",
]
