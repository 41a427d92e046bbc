"""Long JSON is compressed, and what cannot be read is refused."""

import zlib

import pytest

from ollama_rx.bus.registry import compact_json
from ollama_rx.bus.registry.compact_json import pack, pack_object, unpack, unpack_object


def test_short_text_stays_as_it_is() -> None:
    assert pack(b'{"a":1}') == b'{"a":1}' == unpack(b'{"a":1}')


def test_long_text_is_compressed() -> None:
    text = b'{"a":"%s"}' % (b"long " * 10_000)
    assert len(pack(text)) < 1000
    assert unpack(pack(text)) == text


def test_an_object_comes_out_as_it_went_in() -> None:
    fields = {"text": "é" * 10_000, "list": [1, None, True]}
    assert unpack_object(pack_object(fields)) == fields


def test_a_number_that_is_too_large_for_most_readers_does_no_harm() -> None:
    assert unpack_object(pack_object({"size": 2**70}))["size"] == pytest.approx(2**70)


@pytest.mark.parametrize("damaged", [b"xyz", zlib.compress(b"text" * 100)[:-6], b"{", b"", b"[1]", b"null"])
def test_what_is_no_object_is_refused(damaged: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - each has words of its own
        unpack_object(damaged)


def test_a_small_message_does_not_become_a_huge_text(monkeypatch: pytest.MonkeyPatch) -> None:
    packed = pack(b"0" * 100_000)
    monkeypatch.setattr(compact_json, "MOST_BYTES", 99_999)
    with pytest.raises(ValueError, match="longer than allowed"):
        unpack(packed)
