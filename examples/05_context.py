"""Continue where the last answer ended: a `ContextBox` keeps the context from one request to the next."""

from ollama_rx import Client, ContextBox, deliver
from ollama_rx import operators as op
from ollama_rx.sinks import Console

box = ContextBox()

with Client(model="llama3.2") as client:
    for prompt in ("My name is Ada.", "What is my name?"):
        answer = client.generate(prompt, context=box)  # the box is read when the stream is subscribed to
        deliver(answer.pipe(op.capture_context(box)), Console()).wait()
        print(f"({box})")
