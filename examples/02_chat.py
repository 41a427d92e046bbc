"""Chat: the answer is collected and becomes part of the next question."""

from reactivex import operators as rx

from ollama_rx import Client, Message
from ollama_rx import operators as op

history = [Message("system", "You answer in one sentence.")]

with Client(model="llama3.2") as client:
    for question in ("My name is Ada.", "What is my name?"):
        history.append(Message("user", question))
        answer = client.chat(history).pipe(op.text(), rx.reduce(str.__add__, "")).run()
        history.append(Message("assistant", answer))

for message in history:
    print(f"{message.role:>9}: {message.content}")
