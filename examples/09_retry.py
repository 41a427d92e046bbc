"""Retry a request as long as nothing has arrived; after the first text an error is raised."""

from ollama_rx import Client, OllamaError, deliver
from ollama_rx import operators as op
from ollama_rx.sinks import Console

with Client(model="llama3.2") as client:
    answer = client.generate("Say something.").pipe(op.retry_unstarted(times=3, wait=0.05), op.text())
    try:
        deliver(answer, Console()).wait()
    except OllamaError as error:
        print(f"{type(error).__name__}: {error} (worth retrying: {error.retryable})")
