"""docs/bus.md: its permissions are enough, and its streams are those that its programs need."""

import re
import shlex
from pathlib import Path

from reactivex import of
from reactivex import operators as rx

from ollama_rx import deliver
from ollama_rx.bus import from_subject, to_subject
from tests.bus.event_streams import add_stream, stored
from tests.bus.nats_process import NatsProcess
from tests.bus.test_secured_bus import PERMISSIONS
from tests.docs.pages import PAGES, blocks, section

PAGE = PAGES["docs/bus.md"]


def test_the_permissions_are_those_that_are_tested() -> None:
    assert PERMISSIONS.strip() in PAGE


def test_the_permissions_for_events_are_enough(tmp_path: Path) -> None:
    (publish,) = re.findall(r"^publish: \[.*?^\]", PAGE, re.DOTALL | re.MULTILINE)
    users = f"""
        {{user: admin, password: x}}
        {{user: receiver, password: x, permissions: {{{publish}, subscribe: "_INBOX.>"}}}}
        {{user: sender, password: x, permissions: {{publish: "prompts.a", subscribe: "_INBOX.>"}}}}
    """
    server = NatsProcess(tmp_path, settings=f"authorization {{ users: [{users}] }}").start()
    try:
        admin, receiver, sender = (
            server.url.replace("//", f"//{user}:x@") for user in ("admin", "receiver", "sender")
        )
        add_stream(admin, "prompts")
        deliver(of("one", "two"), to_subject("prompts.a", sender)).wait(30)
        assert len(stored(admin, "prompts.a")) == 3
        source = from_subject("prompts.a", receiver, durable="answers", acknowledge="auto")
        assert [message.text for message in source.pipe(rx.take(2), rx.to_list()).run()] == ["one", "two"]
        assert "Violation" not in server.log
    finally:
        server.kill()


def test_the_streams_are_those_of_the_program() -> None:
    text = section(PAGE, "Events: to_subject and from_subject")
    made = [shlex.split(line) for line in blocks(text, "sh")[0].splitlines()]
    assert [words[3] for words in made] == ["prompts", "sentences"]
    for words in made:
        assert words[words.index("--subjects") + 1] == f"{words[3]}.>"
        assert f'_subject("{words[3]}.kitchen"' in text
