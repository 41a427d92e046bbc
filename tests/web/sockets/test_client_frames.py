"""What a client may send through a WebSocket."""

import pytest

from ollama_rx.web.sockets.client_frames import (
    ClientFrame,
    FrameLimit,
    InterruptFrame,
    PromptFrame,
    StopFrame,
    read_frame,
)


@pytest.mark.parametrize(
    ("text", "frame"),
    [
        ('{"type": "prompt", "text": "Hi"}', PromptFrame("Hi")),
        ('{"type": "prompt", "text": " Hi\\n", "more": 1}', PromptFrame(" Hi\n")),
        ('{"type": "stop"}', StopFrame()),
        ('{"type": "interrupt"}', InterruptFrame(None, resume=False)),
        ('{"type": "interrupt", "played": null}', InterruptFrame(None, resume=False)),
        ('{"type": "interrupt", "played": 3.2, "resume": true}', InterruptFrame(3.2, resume=True)),
        ('{"type": "interrupt", "played": 0}', InterruptFrame(0, resume=False)),
    ],
)
def test_a_frame_is_read(text: str, frame: ClientFrame) -> None:
    assert read_frame(text) == frame


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected JSON: "),
        ("Hello", "expected JSON: "),
        ("[" * 100_000, "expected JSON: "),
        ("[]", "expected a JSON object"),
        ("null", "expected a JSON object"),
        ("{}", "type: expected one of prompt, stop, interrupt"),
        ('{"type": ["stop"]}', "type: expected one of prompt, stop, interrupt"),
        ('{"type": "prompt"}', "text: expected text, got none"),
        ('{"type": "prompt", "text": 5}', "text: expected text, got int"),
        ('{"type": "prompt", "text": " "}', "text: expected a text that is not blank"),
        (
            '{"type": "interrupt", "played": "1"}',
            "played: expected a number of seconds of at least 0, got str",
        ),
        (
            '{"type": "interrupt", "played": true}',
            "played: expected a number of seconds of at least 0, got bool",
        ),
        ('{"type": "interrupt", "played": -1}', "played: expected a number of seconds of at least 0, got -1"),
        ('{"type": "interrupt", "played": 1e300}', "played: expected at most "),
        ('{"type": "interrupt", "played": 1e400}', ""),
        ('{"type": "interrupt", "resume": 1}', "resume: expected True or False, got int"),
        (
            '{"type": "stop", "more": "' + "x" * 2**18 + '"}',
            "expected a frame of at most 262144 characters, got ",
        ),
    ],
)
def test_what_is_not_a_frame_is_refused(text: str, message: str) -> None:
    with pytest.raises((ValueError, TypeError)) as caught:
        read_frame(text)
    assert str(caught.value).startswith(message)
    assert len(str(caught.value)) < 120


def test_forty_frames_may_come_at_once_and_ten_a_second() -> None:
    time = 0.0
    limit = FrameLimit(lambda: time)
    assert [limit.allows_one() for _ in range(42)] == [True] * 40 + [False] * 2
    time = 0.25
    assert [limit.allows_one() for _ in range(3)] == [True] * 2 + [False]
    time = 1_000.0
    assert [limit.allows_one() for _ in range(41)] == [True] * 40 + [False]
    assert limit.refused == 4
