"""Local files become blobs, and blobs become models."""

import asyncio
import hashlib
import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from ollama_rx import (
    Client,
    FirstChunkTimeout,
    IdleTimeout,
    Progress,
    ServerError,
    StatusError,
    Timeouts,
    UnauthorizedError,
)
from ollama_rx.client import blobs
from ollama_rx.embedded import embedded
from ollama_rx.testing import (
    FakeOllama,
    Gate,
    Reply,
    Request,
    error_status,
    text_reply,
)
from ollama_rx.testing.server.steps import Step
from ollama_rx.transport.timeouts import Watchdog
from tests.transport.raw_server import raw_server

CONTENT = os.urandom(600_000)
DIGEST = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.gguf"
    path.write_bytes(CONTENT)
    return path


def upload(fake: FakeOllama, path: str | Path, timeouts: Timeouts = Timeouts()) -> list[Progress]:  # noqa: B008
    with Client(fake.url, timeouts=timeouts) as client:
        return list(client.create_blob(path).to_list().run())


def methods(fake: FakeOllama) -> list[str]:
    return [request.method for request in fake.requests]


def missing_then(reply: Reply) -> Callable[[Request], Reply]:
    """Answer that a blob is missing; answer its upload with ``reply``."""
    return lambda request: error_status(404) if request.method == "HEAD" else reply


def test_an_upload_ends_with_the_digest(model: Path) -> None:
    with FakeOllama() as fake:
        steps = upload(fake, model)
        assert fake.blobs == {DIGEST: CONTENT}
        assert methods(fake) == ["HEAD", "POST"]
        assert fake.requests[1].headers["content-length"] == str(len(CONTENT))
    last = steps.pop()
    size = len(CONTENT)
    assert last == Progress("success", DIGEST, size, size, overall_total=size, overall_completed=size)
    assert last.done
    assert {step.status for step in steps} == {"hashing model.gguf", "uploading model.gguf"}
    assert not any(step.done for step in steps)
    hashing = [step.completed for step in steps if step.status.startswith("hashing")]
    sending = [step.completed for step in steps if step.status.startswith("uploading")]
    assert (hashing[0], hashing[-1], sending[0], sending[-1]) == (0, len(CONTENT), 0, len(CONTENT))


def test_a_blob_that_the_server_has_is_not_sent_again(model: Path) -> None:
    with FakeOllama() as fake:
        upload(fake, str(model))
        assert upload(fake, model)[-1].digest == DIGEST
        assert methods(fake) == ["HEAD", "POST", "HEAD"]


def test_each_subscription_is_an_upload_of_its_own_and_reads_the_file_then(model: Path) -> None:
    with FakeOllama() as fake, Client(fake.url) as client:
        stream = client.create_blob(model)
        assert not fake.requests
        model.write_bytes(b"other")
        assert stream.run().digest == f"sha256:{hashlib.sha256(b'other').hexdigest()}"
        model.write_bytes(CONTENT)
        assert stream.run().digest == DIGEST


def test_an_upload_can_be_awaited(model: Path) -> None:
    async def main() -> Progress:
        async with Client(fake.url) as client:
            return await client.create_blob(model)

    with FakeOllama() as fake:
        assert asyncio.run(main()).digest == DIGEST


def test_a_proxy_that_knows_no_head_gets_the_blob(model: Path) -> None:
    def proxy(request: Request) -> Reply:
        return text_reply("stored", status=405 if request.method == "HEAD" else 201)

    with FakeOllama(on={"/api/blobs": proxy}) as fake:
        assert upload(fake, model)[-1].done
        assert methods(fake) == ["HEAD", "POST"]


def test_what_the_server_refuses_is_not_sent(model: Path) -> None:
    with FakeOllama(on={"/api/blobs": error_status(401)}) as fake:
        with pytest.raises(UnauthorizedError):
            upload(fake, model)
        assert methods(fake) == ["HEAD"]


def test_a_digest_that_the_server_does_not_find_is_an_error(model: Path) -> None:
    refusal = missing_then(error_status(400, "digest mismatch"))
    with FakeOllama(on={"/api/blobs": refusal}) as fake, pytest.raises(StatusError, match="digest mismatch"):
        upload(fake, model)


def test_an_upload_is_never_repeated(model: Path) -> None:
    def cut(_: Request) -> list[Step]:
        raise ConnectionError

    with FakeOllama(on={"/api/blobs": missing_then(Reply(cut))}) as fake:
        with pytest.raises(Exception, match="hung up"):
            upload(fake, model)
        assert methods(fake) == ["HEAD", "POST"]


def test_a_server_that_says_nothing_after_the_upload_times_out(model: Path) -> None:
    silent = missing_then(Reply(lambda _: [Gate()]))
    with FakeOllama(on={"/api/blobs": silent}) as fake, pytest.raises(IdleTimeout):
        upload(fake, model, Timeouts(first_chunk=0.3, idle=0.3))


def test_silence_begins_again_with_each_block_that_the_server_takes(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Recorder(Watchdog):
        __slots__ = ()

        def __setattr__(self, name: str, value: object) -> None:
            if name == "last_received" and value is not None:
                moments.append(value)
            super().__setattr__(name, value)

    moments: list[object] = []
    monkeypatch.setattr(blobs, "Watchdog", Recorder)
    with FakeOllama() as fake:
        upload(fake, model)
    assert len(moments) == 3  # blocks of 256 KiB


def test_a_server_that_says_nothing_at_all_times_out(model: Path) -> None:
    def listen(connection: socket.socket) -> None:
        while connection.recv(65536):
            pass

    limits = Timeouts(first_chunk=0.1, idle=0.1)
    with raw_server(listen) as url, Client(url, timeouts=limits) as client, pytest.raises(FirstChunkTimeout):
        client.create_blob(model).run()


def test_a_file_that_is_missing_fails_when_the_call_is_built(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"gone\.gguf"):
        Client("x").create_blob(tmp_path / "gone.gguf")


def test_a_file_that_vanishes_after_that_is_an_error_of_the_stream(model: Path) -> None:
    stream = Client("x").create_blob(model)
    model.unlink()
    with pytest.raises(FileNotFoundError, match=r"model\.gguf"):
        stream.run()


def test_an_empty_file_is_refused(model: Path) -> None:
    stream = Client("x").create_blob(model)
    model.write_bytes(b"")
    with pytest.raises(ValueError, match=r"^path: expected a file that is not empty, got "):
        Client("x").create_blob(model)
    with pytest.raises(ValueError, match=r"^path: expected a file that is not empty, got "):
        stream.run()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes in the file system")
def test_a_pipe_is_refused_before_it_is_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ValueError, match=r"^path: expected a regular file, got "):
        Client("x").create_blob(tmp_path / "pipe")


def test_a_file_that_changes_between_hashing_and_sending_is_an_error(model: Path) -> None:
    def change(_: Request) -> Reply:
        with model.open("ab") as file:
            file.write(b"more")
        return error_status(404)

    with FakeOllama(on={"/api/blobs": change}) as fake, pytest.raises(OSError, match="has changed while"):
        upload(fake, model)


def test_another_file_that_takes_the_name_meanwhile_does_not_matter(model: Path, tmp_path: Path) -> None:
    with FakeOllama() as fake:

        def replace(_: Request) -> Reply:
            (tmp_path / "new").write_bytes(b"new")
            (tmp_path / "new").replace(model)
            fake.play(text_reply("", status=201), path="/api/blobs")
            return error_status(404)

        fake.play(replace, path="/api/blobs")
        assert upload(fake, model)[-1].digest == DIGEST
        assert fake.requests[-1].body == CONTENT


def test_the_embedded_model_says_that_it_stores_no_blobs(model: Path) -> None:
    with (
        Client(transport=embedded()) as client,
        pytest.raises(StatusError, match="does not offer /api/blobs"),
    ):
        client.create_blob(model).run()


# create


def test_local_files_are_uploaded_before_the_model_is_created(model: Path, tmp_path: Path) -> None:
    adapter = tmp_path / "adapter.gguf"
    adapter.write_bytes(b"adapter")
    with FakeOllama() as fake, Client(fake.url) as client:
        stream = client.create("m", files={"a.gguf": model, "b.gguf": DIGEST}, adapters=[str(adapter)])
        assert not fake.requests
        steps = stream.to_list().run()
        assert [request.path.rpartition("/")[0] for request in fake.requests] == ["/api/blobs"] * 4 + ["/api"]
        assert sorted(fake.blobs.values()) == sorted([CONTENT, b"adapter"])
        created = fake.requests[-1].json
    assert created["files"] == {"a.gguf": DIGEST, "b.gguf": DIGEST}
    assert created["adapters"] == {"adapter.gguf": f"sha256:{hashlib.sha256(b'adapter').hexdigest()}"}
    assert [step.done for step in steps] == [False] * (len(steps) - 1) + [True]
    assert {step.status for step in steps} >= {"hashing adapter.gguf", "uploading model.gguf", "success"}


def test_a_file_that_is_named_twice_is_uploaded_once(model: Path) -> None:
    with FakeOllama() as fake, Client(fake.url) as client:
        client.create("m", files={"a": model, "b": str(model)}).run()
        assert methods(fake) == ["HEAD", "POST", "POST"]
        assert fake.requests[-1].json["files"] == {"a": DIGEST, "b": DIGEST}


def test_files_in_a_list_must_have_different_names(model: Path, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / model.name).write_bytes(b"x")
    with pytest.raises(ValueError, match=r"^files: expected a different name for each file; give a mapping"):
        Client("x").create("m", files=[model, tmp_path / "sub" / model.name])


def test_a_file_of_a_model_that_is_missing_fails_when_the_call_is_built(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Client("x").create("m", adapters={"a": str(tmp_path / "gone")})


def test_a_model_is_not_created_if_a_file_cannot_be_uploaded(model: Path) -> None:
    refusal = missing_then(error_status(400, "digest mismatch"))
    with FakeOllama(on={"/api/blobs": refusal}) as fake, Client(fake.url) as client:
        with pytest.raises(StatusError, match="digest mismatch"):
            client.create("m", files=[model]).run()
        assert fake.requests[-1].path == f"/api/blobs/{DIGEST}"


def test_an_error_of_the_creation_comes_after_the_uploads(model: Path) -> None:
    failing = text_reply('{"status":"parsing GGUF"}\n{"error":"invalid file magic"}\n')
    with FakeOllama(on={"/api/create": failing}) as fake, Client(fake.url) as client:
        stream = client.create("m", files=[model])
        with pytest.raises(ServerError, match="stopped the create: invalid file magic"):
            stream.run()


def test_disposing_during_the_uploads_creates_no_model(model: Path) -> None:
    silent = missing_then(Reply(lambda _: [Gate()]))
    with FakeOllama(on={"/api/blobs": silent}) as fake, Client(fake.url) as client:
        subscription = client.create("m", files=[model]).subscribe()
        fake.wait_for_request(2)
        subscription.dispose()
        fake.wait_for_disconnect()
        assert methods(fake) == ["HEAD", "POST"]
