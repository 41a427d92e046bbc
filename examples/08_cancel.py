"""Cancel from outside: the server sees the closed connection and stops generating."""

from threading import Event

from ollama_rx import Client, deliver
from ollama_rx import operators as op
from ollama_rx.sinks import Callback, Collector

PATIENCE = 100  # characters
enough = Event()
text = Collector[str]()


def look(so_far: str) -> None:
    """Stand in for a user who presses a button."""
    if len(so_far) > PATIENCE:
        enough.set()


with Client(model="llama3.2") as client:
    answer = client.generate("Tell me a very long story.").pipe(op.text(), op.accumulate_text())
    delivery = deliver(answer, text, Callback(look, on_close=enough.set))
    enough.wait()
    delivery.cancel()
    delivery.wait()  # a cancelled delivery ends without an error

print(f"cancelled after {len(text.items[-1])} characters; complete: {text.completed}")
