"""Answer the AI SDK's `useChat` (ai 5, 6 or 7), tools included; 26_use_chat.jsx is a page for it.

The chat's history is the page's: it comes with each request. The model stops when the page stops or leaves.
"""

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from ollama_rx import Client, Conversation
from ollama_rx.web import messages_from_ui, ui_message_response

client = Client(model="llama3.2")


def temperature(city: str) -> str:
    """Return the temperature in a city."""
    return {"Oslo": "-3 °C", "Rome": "14 °C"}.get(city, "unknown")


async def chat(request: Request) -> Response:
    """Answer POST /api/chat."""
    try:
        *history, prompt = messages_from_ui(await request.json())
    except ValueError as error:
        return PlainTextResponse(str(error), 400)
    talk = Conversation(client, tools=[temperature], messages=history)
    return ui_message_response(talk.say(prompt.content, images=prompt.images, tool_results=True))


app = Starlette(routes=[Route("/api/chat", chat, methods=["POST"])])

if __name__ == "__main__":
    uvicorn.run(app, port=8000)
