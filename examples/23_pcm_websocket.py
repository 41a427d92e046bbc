"""Send a voice to a browser: 16-bit samples in blocks of 40 ms, over a WebSocket, in real time.

The browser sends a prompt; to interrupt, it sends how many seconds it has played, such as 3.2.
"""

import uvicorn
from reactivex import operators as rx
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from ollama_rx import Client, Conversation, deliver
from ollama_rx import operators as op
from ollama_rx.sinks import Callback
from ollama_rx.speech import Hibari, Pacer, PcmObservable, Speech

client = Client(model="llama3.2")
engine = Hibari()


async def speak(socket: WebSocket) -> None:
    """Answer the prompts of one browser."""
    await socket.accept()
    output = PcmObservable()
    sending = deliver(output.pcm.pipe(rx.repeat()), Callback(socket.send_bytes))
    voice, talk = Speech(engine, Pacer(output)), Conversation(client)
    async for message in socket.iter_text():
        if message.replace(".", "", 1).isdigit():
            talk.heard(voice.interrupt(played=float(message)))
        else:
            deliver(talk.say(message), voice.after(op.text(), op.split_sentences(first_fragment=True)))
    voice.interrupt()  # the browser has gone
    sending.cancel()


app = Starlette(routes=[WebSocketRoute("/speak", speak)])

if __name__ == "__main__":
    uvicorn.run(app, port=8000)
