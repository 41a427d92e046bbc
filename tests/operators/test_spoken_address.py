"""Addresses end where the words of the sentence begin, and are said as the user wants."""

import re

import pytest

from ollama_rx.operators._spoken_address import ADDRESS, Urls, spoken_address

ADDRESSES = [
    ("https://www.a.org/b?c=d#e, then", "https://www.a.org/b?c=d#e", "a.org"),
    ("https://a.org/wiki/A_(b)_c).", "https://a.org/wiki/A_(b)_c", "a.org"),
    ("www.a.co.uk/b!", "www.a.co.uk/b", "a.co.uk"),
    ("ftp://u:p@h.net:21/x;", "ftp://u:p@h.net:21/x", "h.net"),
    ("http://[::1]:80/x", "http://[::1]:80/x", "[::1]"),
    ("https://a.b/c—it", "https://a.b/c", "a.b"),
    ("https://a.b→c", "https://a.b", "a.b"),
    ("https://a.b/%C3%BC/ü?x=é", "https://a.b/%C3%BC/ü?x=é", "a.b"),
    ("https://a.b/cを見て", "https://a.b/c", "a.b"),
    ("https://a.b/を見て", "https://a.b/", "a.b"),
    ("https://a.b/」。", "https://a.b/", "a.b"),
    ("https://zh.a.org/wiki/中文 很", "https://zh.a.org/wiki/中文", "zh.a.org"),
    ("https://a.b/हिन्दी।", "https://a.b/हिन्दी", "a.b"),
    ("http://例え.jp/x", "http://例え.jp/x", "例え.jp"),
    ("https://a.b**", "https://a.b", "a.b"),
]


def say(text: str, urls: Urls) -> tuple[str, str]:
    match = re.match(f"(?P<url>{ADDRESS})", text)
    assert match is not None
    return spoken_address(match, urls)


@pytest.mark.parametrize(("text", "address", "host"), ADDRESSES)
def test_an_address_is_said_in_full_as_its_host_or_not_at_all(text: str, address: str, host: str) -> None:
    full, marks = say(text, "full")
    assert full == address
    assert text.startswith(address + marks)
    assert say(text, "host") == (host, marks)
    assert say(text, "skip") == ("", marks)


@pytest.mark.parametrize("text", ["file:///etc/hosts", "a://b", "://a.b", "http:a.b", "www", "C:/Users"])
def test_other_text_is_no_address(text: str) -> None:
    assert re.search(f"(?P<url>{ADDRESS})", text) is None
