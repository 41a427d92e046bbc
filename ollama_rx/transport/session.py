"""What the requests of one client share: the httpx client, its transport, the server's URL."""

from copy import copy
from dataclasses import dataclass, replace
from urllib.request import getproxies, proxy_bypass

import httpx

from ollama_rx.timeouts import Timeouts
from ollama_rx.transport.any_loop import AnyLoopTransport
from ollama_rx.transport.http import HttpTransport
from ollama_rx.transport.one_loop import OneLoopTransport

_NAMES = {
    "user-agent": "ollama-rx",
    "accept": "application/x-ndjson, application/json",
    "accept-encoding": "identity",  # a token that waits in a compressor is late
}


@dataclass(frozen=True, slots=True)
class Request:
    """One request, ready to be sent as often as it is subscribed to."""

    method: str
    path: str
    content: bytes = b""


class Session:
    """Sends requests; may be used from any number of loops and threads at once."""

    def __init__(
        self,
        url: str,
        headers: dict[str, str],
        timeouts: Timeouts,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.timeouts = timeouts
        self.transport = _transport(httpx.URL(url), transport)
        self.shown_url = str(httpx.URL(url).copy_with(userinfo=b""))
        self._url = url
        self._headers = httpx.Headers({**_NAMES, **headers})
        self._json_headers = httpx.Headers({"content-type": "application/json", **_NAMES, **headers})
        self._extensions = {"timeout": httpx.Timeout(None, connect=timeouts.connect).as_dict()}
        self._http = httpx.AsyncClient(transport=self.transport, trust_env=False)

    @property
    def default_model(self) -> str | None:
        """What the transport answers with when nobody names a model."""
        return self.transport.default_model

    def patient(self) -> "Session":
        """Return this session for work that is silent for long between its steps."""
        patient = copy(self)
        patient.timeouts = replace(self.timeouts, idle=self.timeouts.between_steps)
        return patient

    async def send(self, request: Request) -> httpx.Response:
        """Send a request; return when the head of the response is there."""
        built = httpx.Request(
            request.method,
            self._url + request.path,
            headers=self._json_headers if request.content else self._headers,
            content=request.content or None,
            extensions=self._extensions,
        )
        return await self._http.send(built, stream=True)

    async def aclose(self) -> None:
        """Close the idle connections, and the caller's transport."""
        await self.transport.aclose()

    def close(self) -> None:
        """Do what `aclose` does, from a thread without a loop."""
        self.transport.close()


def _transport(url: httpx.URL, given: httpx.AsyncBaseTransport | None) -> AnyLoopTransport:
    """Choose the fast transport, unless the caller has one or a proxy stands in between."""
    if isinstance(given, AnyLoopTransport):
        return given
    if isinstance(given, httpx.AsyncBaseTransport):
        return OneLoopTransport(given)
    if given is not None:
        raise TypeError(f"transport: expected an httpx.AsyncBaseTransport, got {type(given).__name__}")
    proxy = _proxy(url)
    if proxy is not None:
        return OneLoopTransport(
            httpx.AsyncHTTPTransport(proxy=proxy, limits=httpx.Limits(max_connections=None))
        )
    return HttpTransport()


def _proxy(url: httpx.URL) -> str | None:
    """Return the proxy the environment names for a URL; loopback is never sent to one, as in Go."""
    if url.host in {"localhost", "::1"} or url.host.startswith("127."):
        return None
    proxies = getproxies()
    proxy = proxies.get(url.scheme) or proxies.get("all")
    if not proxy or proxy_bypass(url.netloc.decode()):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"
