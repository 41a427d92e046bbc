"""Streams for browsers: server-sent events, WebSockets, the AI SDK, and a page. Needs the extra ``web``."""

from importlib.util import find_spec

if find_spec("starlette") is None:
    raise ImportError('ollama_rx.web needs starlette: pip install "ollama-rx[web]"')

from ollama_rx.web.ai_sdk.ui_message_response import ui_message_response
from ollama_rx.web.ai_sdk.ui_messages import messages_from_ui
from ollama_rx.web.live.live_page import LivePage
from ollama_rx.web.ollama_api.ollama_api import ollama_api
from ollama_rx.web.page.chat_app import app
from ollama_rx.web.replay import Replay, ReplayReader
from ollama_rx.web.sockets.voice_channel import VoiceChannel
from ollama_rx.web.sockets.websocket import websocket
from ollama_rx.web.sse_response import sse_response
from ollama_rx.web.web_event import WebEvent

__all__ = [
    "LivePage",
    "Replay",
    "ReplayReader",
    "VoiceChannel",
    "WebEvent",
    "app",
    "messages_from_ui",
    "ollama_api",
    "sse_response",
    "ui_message_response",
    "websocket",
]
