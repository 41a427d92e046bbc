"""Chromium for tests: one process, which reaches this machine only."""

import os
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Playwright, sync_playwright

_PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
_FLAGS = [
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--autoplay-policy=no-user-gesture-required",
    "--mute-audio",
]
_MISSING = "Chromium is missing: `apt-get install chromium`, or `.venv/bin/playwright install chromium`"


class Chromium:
    """Starts when a test first asks for it, and can be closed and started again.

    While it runs, Playwright keeps an event loop running in this thread, in which `asyncio.run` fails.
    """

    def __init__(self) -> None:
        self._playwright: Playwright | None = None
        self._browser: Browser | None = None
        self._page: Page | None = None

    @property
    def browser(self) -> Browser:
        """The running browser; skips the test if there is none on this machine."""
        if self._browser is None:
            self._playwright = self._playwright or sync_playwright().start()
            self._browser = self._playwright.chromium.launch(
                executable_path=_find_program(self._playwright),
                args=_FLAGS + ["--no-sandbox"] * (os.name == "posix" and os.geteuid() == 0),
            )
        return self._browser

    @property
    def page(self) -> Page:
        """A page that is used again and again, since another one would be another process."""
        if self._page is None or self._page.is_closed():
            self._page = self.browser.new_context().new_page()
        return self._page

    def tidy(self) -> None:
        """Leave that page as it was at first. Each server is another origin, unless it has the same port."""
        page = self.page
        for other in page.context.pages:
            if other is not page:
                other.close()
        if page.url.startswith("http"):
            page.evaluate("() => { localStorage.clear(); sessionStorage.clear(); }")
        page.context.set_offline(offline=False)
        page.goto("about:blank")

    def close(self) -> None:
        """End the browser and the event loop of Playwright."""
        if self._browser is not None:
            self._browser.close()
        if self._playwright is not None:
            self._playwright.stop()
        self._browser = self._playwright = self._page = None


def _find_program(playwright: Playwright) -> str:
    own = playwright.chromium.executable_path
    for program in (*map(shutil.which, _PROGRAMS), own if Path(own).exists() else None):
        if program is not None:
            return program
    pytest.skip(_MISSING)
