"""Which pages in a browser may use the API: the rules of Ollama, and its answers to browsers that ask (CORS).

Source: https://github.com/ollama/ollama/blob/main/envconfig/config.go (AllowedOrigins),
https://github.com/gin-contrib/cors
"""

from collections.abc import Iterable
from typing import Final

from ollama_rx.arguments import as_items, check_text, wrong_value

LOCAL_ORIGINS: Final = (
    *(
        f"{scheme}://{host}{port}"
        for host in ("localhost", "127.0.0.1", "0.0.0.0")  # noqa: S104 - not listened on
        for scheme in ("http", "https")
        for port in ("", ":*")
    ),
    *(f"{scheme}://*" for scheme in ("app", "file", "tauri", "vscode-webview", "vscode-file")),
    *(f"{kind}-extension://*" for kind in ("chrome", "safari", "moz", "ms-browser")),
)
"""Pages of this machine and programs on it, as Ollama allows them; ``*`` stands for anything."""

_Headers = dict[str, str]
_METHODS: Final = "GET,POST,PUT,PATCH,DELETE,HEAD,OPTIONS"
_REQUEST_HEADERS: Final = (
    "Authorization,Content-Type,User-Agent,Accept,X-Requested-With,Openai-Beta,X-Stainless-Arch,"
    "X-Stainless-Async,X-Stainless-Custom-Poll-Interval,X-Stainless-Helper-Method,X-Stainless-Lang,"
    "X-Stainless-Os,X-Stainless-Package-Version,X-Stainless-Poll-Helper,X-Stainless-Retry-Count,"
    "X-Stainless-Runtime,X-Stainless-Runtime-Version,X-Stainless-Timeout"
)
_TWELVE_HOURS: Final = "43200"  # seconds for which a browser need not ask again


class AllowedOrigins:
    """The pages that may use the API, besides pages from its own address.

    Args:
        allowed: origins such as ``https://chat.example``; one ``*`` in each stands for anything.

    Raises:
        ValueError, TypeError: one of them is something else.
    """

    def __init__(self, allowed: Iterable[str]) -> None:
        self._exact: set[str] = set()
        self._patterns: list[tuple[str, str]] = []
        for origin in as_items("allowed_origins", allowed):
            check_text("allowed_origins", origin)
            if origin != "*" and ("://" not in origin or origin.count("*") > 1):
                expected = "origins such as 'https://chat.example' or 'http://localhost:*', or '*'"
                raise wrong_value("allowed_origins", expected, origin)
            start, is_pattern, end = origin.lower().rstrip("/").partition("*")
            if is_pattern:
                self._patterns.append((start, end))
            else:
                self._exact.add(start)
        self._allows_all = ("", "") in self._patterns

    def has(self, origin: str) -> bool:
        """Check the origin of a page."""
        origin = origin.lower()
        return origin in self._exact or any(
            len(origin) >= len(start) + len(end) and origin.startswith(start) and origin.endswith(end)
            for start, end in self._patterns
        )

    def headers(self, origin: str) -> _Headers:
        """Return the headers that let a page read an answer."""
        if self._allows_all:
            return {"access-control-allow-origin": "*"}
        return {"access-control-allow-origin": origin, "vary": "Origin"}

    def preflight_headers(self, origin: str) -> _Headers:
        """Return the answer to a browser that asks whether a page may send a request."""
        return {
            "access-control-allow-methods": _METHODS,
            "access-control-allow-headers": _REQUEST_HEADERS,
            "access-control-max-age": _TWELVE_HOURS,
            **self.headers(origin),
        }
