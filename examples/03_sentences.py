"""Pass whole sentences to a callback, each as soon as it is complete, as a speech synthesiser needs them."""

from ollama_rx import Client, deliver
from ollama_rx import operators as op
from ollama_rx.sinks import Callback


def speak(sentence: str) -> None:
    """Stand in for a speech synthesiser; it takes time, so it runs on a thread of its own."""
    print(f"speaking: {sentence}")


with Client(model="llama3.2") as client:
    answer = client.generate("Tell me about the moon.")
    sentences = answer.pipe(op.text(), op.split_sentences(min_chars=10))
    deliver(sentences, Callback(speak, blocking=True)).wait()
