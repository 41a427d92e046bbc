"""One client, several threads: each subscription has a thread and a connection of its own."""

from concurrent.futures import ThreadPoolExecutor

from ollama_rx import Client, iterate
from ollama_rx import operators as op

client = Client(model="llama3.2")


def ask(city: str) -> str:
    """Ask in a plain blocking `for` loop."""
    lines = client.generate(f"Describe {city} in one line.").pipe(op.text(), op.split_lines())
    for line in iterate(lines):
        return line
    return ""


with client, ThreadPoolExecutor() as threads:
    for answer in threads.map(ask, ["Paris", "Oslo", "Rome"]):
        print(answer)
