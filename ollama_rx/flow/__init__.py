"""Between threads and loops: who runs where, how a slow consumer makes its stream wait."""

from ollama_rx.flow.flow import Flow

__all__ = ["Flow"]
