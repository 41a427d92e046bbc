"""Talk over a voice: it is silent at once, and the model learns how much of its answer was heard."""

from reactivex import operators as rx

from ollama_rx import Client, Conversation, deliver
from ollama_rx import operators as op
from ollama_rx.speech import Pacer, Speech

with Client(model="llama3.2") as client:
    talk = Conversation(client, system="You are a guide in Rome.")
    voice = Speech(output=Pacer())  # plays in real time without a device; Speech() uses the loudspeaker
    voice.words.subscribe(lambda word: print(word.text, end=" ", flush=True))

    sentences = op.split_sentences(first_fragment=True)
    deliver(talk.say("Tell me about the Pantheon."), voice.after(op.text(), sentences))
    voice.words.pipe(rx.take(6)).run()  # stands for a microphone that hears the user

    talk.heard(voice.interrupt())
    print("...\n")
    deliver(talk.say("Wait, who built it?"), voice.after(op.text(), sentences)).wait()
    print()
