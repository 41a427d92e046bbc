"""A model that thinks first: its thinking goes to one sink, its answer to another."""

from ollama_rx import Client, deliver
from ollama_rx import operators as op
from ollama_rx.sinks import Callback, Console

with Client(model="qwen3") as client:
    chunks = client.generate("Is 91 a prime number?", think=True)
    deliver(
        chunks.pipe(op.split_thinking()),  # for models that think between <think> tags
        Callback[str](lambda line: print(f"  thinking: {line}")).after(op.thinking(), op.split_lines()),
        Console().after(op.text()),
    ).wait()
