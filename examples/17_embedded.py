"""No server: a small model runs in this process; its weights are downloaded the first time."""

from ollama_rx import Client, deliver
from ollama_rx.embedded import embedded
from ollama_rx.sinks import Console

with Client(transport=embedded()) as client:
    answer = client.generate("Say hello.", options={"temperature": 0, "num_predict": 20})
    deliver(answer, Console()).wait()
