"""Speak an answer, sentence by sentence, while the model still writes: here into a file."""

from ollama_rx import Client, deliver
from ollama_rx import operators as op
from ollama_rx.sinks import Console
from ollama_rx.speech import Speech

with Client(model="llama3.2") as client:
    voice = Speech(output="answer.wav")  # Speech() speaks on the loudspeaker
    sentences = op.split_sentences(first_fragment=True)
    deliver(client.generate("What is the sea?"), Console(), voice.after(op.text(), sentences)).wait()

if voice.stats:
    print(f"answer.wav has {voice.stats.audio:.1f} seconds of speech")
