"""Print an answer token by token. Nothing is sent before `deliver`; one call, one request."""

from ollama_rx import Client, deliver
from ollama_rx.sinks import Console

with Client(model="llama3.2") as client:  # the server of OLLAMA_HOST, or 127.0.0.1:11434
    deliver(client.generate("Why is the sky blue?"), Console()).wait()
