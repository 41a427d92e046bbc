"""A chat in FastAPI: prompts and answers over a WebSocket, and a history that outlives the connection."""

import uvicorn
from fastapi import FastAPI, WebSocket

from ollama_rx import Client, Conversation
from ollama_rx.web import websocket

app = FastAPI()
client = Client(model="llama3.2")
talks: dict[str, Conversation] = {}


@app.websocket("/chats/{name}")
async def chat(socket: WebSocket, name: str) -> None:
    """Take {"type": "prompt", "text": "..."} and {"type": "stop"}; a browser that leaves stops the model."""
    talk = talks.setdefault(name, Conversation(client, system="You are brief."))
    await websocket(talk.say, socket)


@app.get("/chats/{name}")
async def history(name: str) -> list[dict[str, str]]:
    """Return what was said; an answer that was stopped is there as far as it has come."""
    messages = talks[name].messages if name in talks else ()
    return [{"role": message.role, "text": message.content} for message in messages]


if __name__ == "__main__":
    uvicorn.run(app, port=8000)
