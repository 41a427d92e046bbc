"""Chat: a conversation keeps the history, and goes on where it was saved."""

from pathlib import Path

from ollama_rx import Client, Conversation, deliver
from ollama_rx.sinks import Console

FILE = Path("chat.json")

with Client(model="llama3.2") as client:
    if FILE.exists():
        talk = Conversation.load(client, FILE)
    else:
        talk = Conversation(client, system="You answer in one sentence.")
    for question in ("My name is Ada.", "What is my name?"):
        deliver(talk.say(question), Console()).wait()
    talk.save(FILE)

for message in talk.messages:
    print(f"{message.role:>9}: {message.content}")
