"""Stop at a word, even one that arrives in pieces: the request is closed and the model stops computing."""

from ollama_rx import Client, deliver
from ollama_rx import operators as op
from ollama_rx.sinks import Console

with Client(model="llama3.2") as client:
    answer = client.generate("Count from one to a hundred in words.")
    deliver(answer.pipe(op.text(), op.stop_at("twelve", "12")), Console()).wait()
