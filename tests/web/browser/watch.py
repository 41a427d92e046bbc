"""What a page must not do while a test runs."""

import re
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import BrowserContext, ConsoleMessage, Dialog, Page, Request, WebError, WebSocket

_INSIDE = ("data:", "blob:", "about:")  # addresses of what is in the page already
_ABORTED = "net::ERR_ABORTED"  # by the page itself, or by leaving it


class Watch:
    """Collects errors and warnings in the console, requests that fail or go to another server, and dialogs.

    What violates the content security policy is an error in the console. The errors that a test provokes are
    named with ``expect``.
    """

    def __init__(self) -> None:
        self._origins: list[str] = []
        self._expected: list[re.Pattern[str]] = []
        self._complaints: list[str] = []

    @property
    def complaints(self) -> list[str]:
        """What has happened and was not expected."""
        return [it for it in self._complaints if not any(pattern.search(it) for pattern in self._expected)]

    def expect(self, *patterns: str) -> None:
        """Do not complain about what matches one of these patterns."""
        self._expected += map(re.compile, patterns)

    def allow(self, url: str) -> None:
        """Let pages talk to the server of this address."""
        self._origins.append(re.sub(r"(?<![/:])/.*", "", url) + "/")

    @contextmanager
    def over(self, context: BrowserContext) -> Generator[None]:
        """Watch all pages of a context."""
        for page in context.pages:
            self._see_page(page)
        seen = self._seen_events()
        for event, see in seen.items():
            context.on(event, see)
        yield
        for page in context.pages:
            page.title()  # what has happened before is reported before the answer
        for event, see in seen.items():
            context.remove_listener(event, see)
        for page in context.pages:
            page.remove_listener("websocket", self._see_socket)

    def _seen_events(self) -> dict[Any, Callable[[Any], None]]:
        return {
            "console": self._see_message,
            "weberror": self._see_exception,
            "request": self._see_request,
            "requestfailed": self._see_failure,
            "dialog": self._see_dialog,
            "page": self._see_page,
        }

    def _see_message(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning", "assert"):
            self._complaints.append(f"console {message.type}: {message.text} ({message.location['url']})")

    def _see_exception(self, error: WebError) -> None:
        self._complaints.append(f"exception: {error.error}")

    def _see_request(self, request: Request) -> None:
        self._check_address(request.url)

    def _see_failure(self, request: Request) -> None:
        if request.failure != _ABORTED:
            self._complaints.append(f"request failed: {request.url} {request.failure}")

    def _see_dialog(self, dialog: Dialog) -> None:
        self._complaints.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _see_page(self, page: Page) -> None:
        page.on("websocket", self._see_socket)

    def _see_socket(self, socket: WebSocket) -> None:
        self._check_address(socket.url.replace("ws", "http", 1))

    def _check_address(self, url: str) -> None:
        if not url.startswith((*self._origins, *_INSIDE)):
            self._complaints.append(f"request to another server: {url}")
