"""Interrupt an answer: the model learns how much of it the user has heard."""

from ollama_rx import Client, Conversation, iterate
from ollama_rx import operators as op

ENOUGH = 60  # characters

with Client(model="llama3.2") as client:
    talk = Conversation(client, system="You are a guide in Rome.")
    heard = ""
    for word in iterate(talk.say("Tell me about the Pantheon.").pipe(op.text(), op.split_words())):
        print(word, end=" ", flush=True)  # stands for a voice, which says one word after the other
        heard += f"{word} "
        if len(heard) > ENOUGH:
            break  # the user speaks: the request is closed
    talk.heard(heard)
    print("...")
    print(talk.say("Wait, who built it?").pipe(op.text(), op.join_text()).run())
