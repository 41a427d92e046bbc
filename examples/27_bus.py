"""A client that asks over NATS, and a worker that answers beside Ollama; usually on two machines.

It needs a NATS server with JetStream at NATS_URL, or on this machine: `nats-server -js`.
"""

from ollama_rx import Client, deliver
from ollama_rx import operators as op
from ollama_rx.bus import Worker, jetstream
from ollama_rx.sinks import Console

with Client() as ollama, Worker(ollama, parallel=2) as worker:
    with Client(transport=jetstream(), model="llama3.2") as client:
        deliver(client.generate("Why is the sky blue?").pipe(op.text()), Console()).wait()
        print("models of all workers:", *(model.name for model in client.models().run()))
    print(f"{worker.name} finishes what it has begun")
