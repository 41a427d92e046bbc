"""Connecting to a silent URL hangs until the client gives up."""

import sys

import httpx
import pytest

from ollama_rx.testing import silent_url


@pytest.mark.skipif(sys.platform != "linux", reason="other systems may refuse the connection")
def test_connecting_to_a_silent_url_hangs() -> None:
    with silent_url() as url, pytest.raises(httpx.ConnectTimeout):
        httpx.get(url, timeout=0.2)
