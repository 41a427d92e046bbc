"""The proxy through which the server would be asked."""

from collections.abc import Iterator

import httpx

from ollama_rx.cli.choose_client import is_bus
from ollama_rx.cli.doctor.finding import Finding, Target
from ollama_rx.cli.doctor.without_login import without_login
from ollama_rx.client.host import base_url
from ollama_rx.transport.proxy import find_proxy, is_loopback, proxy_transport

TITLE = "Proxy"
POSITION = 4


def check(target: Target) -> Iterator[Finding]:
    """Find the proxy as the client would."""
    if is_bus(target.named):
        yield Finding(name="proxy", status="ok", text="none: a bus is reached directly")
        return
    try:
        url = httpx.URL(base_url(target.host))
    except ValueError:
        return  # which the check of Ollama tells
    try:
        proxy_transport(url)  # which refuses one that cannot be used
    except ValueError as error:
        yield Finding(name="proxy", status="problem", text=str(error))
        return
    found = find_proxy(url)
    if found is not None:
        proxy, variable = found
        text = f"{without_login(proxy)} of {variable} is used for {url.host}"
        yield Finding(name="proxy", status="ok", text=text, fields={"proxy": without_login(proxy)})
    elif is_loopback(url):
        yield Finding(name="proxy", status="ok", text=f"none: {url.host} is this machine")
    else:
        yield Finding(name="proxy", status="ok", text=f"none for {url.host}")
