"""Two models race: the first to write a word answers, and the request of the other one is closed."""

import reactivex

from ollama_rx import Client, deliver
from ollama_rx import operators as op
from ollama_rx.sinks import Console

with Client() as client:
    racers = [
        client.generate("Why is the sky blue?", model=model).pipe(op.text())
        for model in ("llama3.2", "qwen3:0.6b")
    ]
    deliver(reactivex.amb(*racers), Console()).wait()
