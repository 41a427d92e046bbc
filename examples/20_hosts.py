"""Three servers behind one client: a prompt goes to the best of them, and to the next one if that fails."""

import os

from reactivex import Observable, from_iterable
from reactivex import operators as rx

from ollama_rx import Client, Host, deliver
from ollama_rx import operators as op
from ollama_rx.sinks import Console

hosts = os.environ.get("OLLAMA_HOSTS", "gpu-1 gpu-2 gpu-3").split()

with Client(hosts=[Host(host, max_streams=2) for host in hosts], model="llama3.2") as client:

    def describe(animal: str) -> Observable[str]:
        """Emit one line about an animal."""
        answer = client.generate(f"Describe the {animal} in one line.")
        return answer.pipe(op.retry_unstarted(), op.text(), op.join_text())

    animals = from_iterable(["ant", "bee", "cat", "dog", "eel", "fox"])
    deliver(animals.pipe(rx.map(describe), rx.merge(max_concurrent=6)), Console(end="\n")).wait()
    for host in client.hosts:
        print(f"{host.url}: {'resting' if host.resting else 'well'}, models: {host.models}")
