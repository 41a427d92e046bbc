"""The page as an ASGI application."""

import os
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.middleware import Middleware

from ollama_rx.arguments import check_instance, check_seconds, optional_texts
from ollama_rx.client import Client
from ollama_rx.web.allowed_hosts import LOCAL_HOSTS, AllowedHosts
from ollama_rx.web.page.answers import Answers
from ollama_rx.web.page.conversation_store import ConversationStore, default_path
from ollama_rx.web.page.guard import Guard, Limits
from ollama_rx.web.page.page_api import ERROR_HANDLERS, PageApi
from ollama_rx.web.page.server_state import ServerState
from ollama_rx.web.page.voice_socket import VoiceSocket
from ollama_rx.web.sockets.voice_channel import Voice


def app(
    client: Client,
    *,
    store: ConversationStore | str | os.PathLike[str] | None = None,
    model: str | None = None,
    system: str | None = None,
    voice: Voice | None = None,
    voice_problem: str | None = None,
    server: str | None = None,
    token: str | None = None,
    allowed_hosts: Iterable[str] = LOCAL_HOSTS,
    grace: float = 120.0,
    limits: Limits = Limits(),  # noqa: B008 - immutable
) -> Starlette:
    """Return a page for chats with models, which any ASGI server can run: ``uvicorn.run(app(Client()))``.

    Nothing is loaded from elsewhere, and only the page itself can use the server: see `Guard`. Whoever
    reaches it sees all conversations, so an address that others can reach needs a ``token``.

    Args:
        client: asks the models; it stays open.
        store: the conversations, or the path of their file; by default in the user's folder for data.
        model: the model that is chosen at first; by default the server's first.
        system: the system message of all conversations.
        voice: makes a voice for an output, such as ``partial(Speech, engine)``; None for a page without one.
        voice_problem: why there is no voice, in a sentence.
        server: what the server of models is called on the page; by default its address.
        token: what the browser must send; the page takes it from the end of its address, ``#token=...``.
        allowed_hosts: what the page may be called in a browser: names, and addresses or networks of them.
        grace: seconds without a reader after which a model is stopped.
        limits: how much is too much.

    Raises:
        StoreError: the file of conversations cannot be used.
        ImportError: the extra ``web`` is not complete; the message has the command.
        ValueError, TypeError: a wrong argument.
    """
    check_instance("client", client, Client)
    optional_texts(model=model, system=system, voice_problem=voice_problem, server=server, token=token)
    check_seconds("grace", grace, zero=True)
    check_instance("limits", limits, Limits)
    hosts = AllowedHosts(allowed_hosts)
    opened = (
        store
        if isinstance(store, ConversationStore)
        else ConversationStore(default_path() if store is None else store)
    )
    answers = Answers(opened, client, system=system, grace=grace)
    api = PageApi(
        opened,
        answers,
        ServerState(client, server, model),
        None if voice is None else VoiceSocket(answers, voice).serve,
        voice_problem,
    )

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncGenerator[None]:
        yield
        await answers.close()
        if opened is not store:
            opened.close()

    made = Starlette(
        routes=api.routes,
        middleware=[Middleware(Guard, allowed_hosts=hosts, token=token, limits=limits)],
        exception_handlers=ERROR_HANDLERS,
        lifespan=lifespan,
    )
    made.state.answers = answers
    return made
