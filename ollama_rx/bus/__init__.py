"""Streams across machines: prompts and answers over NATS JetStream. Needs the extra ``bus``."""

from importlib.util import find_spec

if find_spec("nats") is None:
    raise ImportError('ollama_rx.bus needs nats-py: pip install "ollama-rx[bus]"')

from ollama_rx.bus.client.jetstream_transport import JetStreamTransport, jetstream
from ollama_rx.bus.connection.credentials import Credentials
from ollama_rx.bus.messages.subject_message import SubjectMessage
from ollama_rx.bus.messages.subject_sink import SubjectSink, to_subject
from ollama_rx.bus.messages.subject_source import from_subject
from ollama_rx.bus.worker.bus_worker import Worker

__all__ = [
    "Credentials",
    "JetStreamTransport",
    "SubjectMessage",
    "SubjectSink",
    "Worker",
    "from_subject",
    "jetstream",
    "to_subject",
]
