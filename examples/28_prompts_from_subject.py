"""Prompts come from a subject of NATS, and their answers go to another one, sentence by sentence.

It needs a NATS server at NATS_URL, or on this machine, that stores both subjects:
`nats stream add events --subjects "prompts.*,sentences.*" --defaults`. Any program sends a prompt:
`nats pub prompts.kitchen "Name three soups."`
"""

from reactivex import Observable
from reactivex import operators as rx

from ollama_rx import Client, deliver
from ollama_rx import operators as op
from ollama_rx.bus import SubjectMessage, from_subject, to_subject

with Client(model="llama3.2") as client:

    def answer(prompt: SubjectMessage) -> Observable[str]:
        """Emit the sentences of an answer; a prompt whose answer is not complete is delivered again."""
        sentences = client.generate(prompt.text).pipe(op.retry_unstarted(), op.text(), op.split_sentences())
        return sentences.pipe(rx.do_action(on_completed=prompt.ack))

    answers = from_subject("prompts.kitchen", durable="answers").pipe(rx.concat_map(answer))
    deliver(answers, to_subject("sentences.kitchen")).wait()
