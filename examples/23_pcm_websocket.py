"""Talk to a browser: text as events, and a voice as 16-bit samples in blocks of 40 ms, over one WebSocket.

The browser sends {"type": "prompt", "text": "..."}. To interrupt, it says how many seconds it has played:
{"type": "interrupt", "played": 3.2}.
"""

from functools import partial

import uvicorn
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from ollama_rx import Client, Conversation
from ollama_rx.speech import Hibari, Speech
from ollama_rx.web import websocket

client = Client(model="llama3.2")
voice = partial(Speech, Hibari())


async def speak(socket: WebSocket) -> None:
    """Answer the prompts of one browser; the history keeps what it has heard of an interrupted answer."""
    talk = Conversation(client)
    await websocket(talk.say, socket, voice=voice, heard=talk.heard)


app = Starlette(routes=[WebSocketRoute("/speak", speak)])

if __name__ == "__main__":
    uvicorn.run(app, port=8000, ws_per_message_deflate=False)  # audio would hardly get smaller
