"""One request, three sinks: the console, a file of sentences, and a list of words."""

import tempfile
from pathlib import Path

from ollama_rx import Client, deliver
from ollama_rx import operators as op
from ollama_rx.sinks import Collector, Console, JsonLines

file = Path(tempfile.mkdtemp()) / "sentences.jsonl"
words = Collector[str]()

with Client(model="llama3.2") as client:
    text = client.generate("Tell me about the sea.").pipe(op.text())
    deliver(
        text,
        Console(),
        JsonLines(file).after(op.split_sentences()),  # this branch only
        words.after(op.split_words()),
        on_sink_error="continue",  # a full disk does not silence the console
    ).wait()

print(f"{len(words.items)} words; as sentences in the file:")
print(file.read_text(), end="")
