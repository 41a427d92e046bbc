"""Search the web and fetch pages with Ollama's service, whatever server the client is for.

The service has one address. Nothing that was meant for the client's own server is sent there, and the key to
the service is sent nowhere else.
Source: https://docs.ollama.com/capabilities/web-search
"""

from collections.abc import Sequence

from ollama_rx.transport.session import Session

SERVICE_URL = "https://ollama.com"


def web_session(main: Session, own: Sequence[Session], key: dict[str, str]) -> Session:
    """Return the session for the service: one of the client's own that is for that server, else a new one.

    The new one carries ``key``, and ends with the client's ``main`` session.

    Raises:
        ValueError: none of them has a key.
    """
    for session in own:
        if session.shown_url == SERVICE_URL and session.is_authorized:
            return session
    if "authorization" not in key:
        raise ValueError(
            "web search and web fetch need a key: set OLLAMA_API_KEY, or give an authorization header to "
            f"Client({SERVICE_URL!r}); https://ollama.com/settings/keys makes one"
        )
    return main.for_other_host(SERVICE_URL, key)
