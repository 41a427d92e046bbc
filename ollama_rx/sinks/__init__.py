"""The ends of a stream: ``deliver(stream, Console())``. ``_sink.py`` explains how to write a sink."""

from ollama_rx.rx.mailbox import END
from ollama_rx.sinks._sink import Branch, Sink, StopSink
from ollama_rx.sinks.callback import Callback
from ollama_rx.sinks.collector import Collector
from ollama_rx.sinks.console import Console
from ollama_rx.sinks.json_lines import JsonLines
from ollama_rx.sinks.queue import Queue
from ollama_rx.sinks.uri import sink_from_uri, sink_names

__all__ = [
    "END",
    "Branch",
    "Callback",
    "Collector",
    "Console",
    "JsonLines",
    "Queue",
    "Sink",
    "StopSink",
    "sink_from_uri",
    "sink_names",
]
