"""One generation feeds another: each sentence is translated while the next one is still being written."""

from reactivex import Observable
from reactivex import operators as rx

from ollama_rx import Client, deliver
from ollama_rx import operators as op
from ollama_rx.sinks import Console

with Client(model="llama3.2") as client:

    def translate(sentence: str) -> Observable[str]:
        """Emit the French translation of a sentence as one text."""
        answer = client.generate(f"Translate to French, nothing else: {sentence}")
        return answer.pipe(op.text(), op.join_text())

    story = client.generate("Tell me a story in three sentences.").pipe(op.text(), op.split_sentences())
    french = story.pipe(rx.map(translate), rx.merge(max_concurrent=1))  # in order, one at a time
    deliver(french, Console(end="\n")).wait()
