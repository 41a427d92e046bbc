"""Search the web and fetch pages with Ollama's service, whatever server the client is for.

The service has one address. Nothing that was meant for the client's own server is sent there, and the key to
the service is sent nowhere else.
Source: https://docs.ollama.com/capabilities/web-search
"""

from ollama_rx.transport.session import Session

SERVICE_URL = "https://ollama.com"


def web_session(session: Session, key: dict[str, str]) -> Session:
    """Return the session for the service: the client's own if it is for that server, else one with ``key``.

    Raises:
        ValueError: neither of them has a key.
    """
    if session.shown_url == SERVICE_URL and session.is_authorized:
        return session
    if "authorization" not in key:
        raise ValueError(
            "web search and web fetch need a key: set OLLAMA_API_KEY, or give an authorization header to "
            f"Client({SERVICE_URL!r}); https://ollama.com/settings/keys makes one"
        )
    return session.for_other_host(SERVICE_URL, key)
