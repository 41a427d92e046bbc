"""A request to one worker, which does not wait in the queue of prompts and is answered at once.

The message on the subject `Subjects.worker` is the body of the request, with the header ``Ollama-Rx-Path``.
The reply is the body of the answer, compressed if it is long (see `pack`), with ``Ollama-Rx-Status``.
"""

from nats.aio.msg import Msg
from nats.errors import MaxPayloadError, NoRespondersError

from ollama_rx.bus.client.api_answer import ApiAnswer
from ollama_rx.bus.connection.bus_connection import BusConnection
from ollama_rx.bus.registry.compact_json import pack, unpack
from ollama_rx.bus.subjects import REPLY_STATUS, REQUEST_PATH, Subjects

_SECONDS = 5.0  # a worker takes milliseconds, but its host may be busy


async def ask_worker(
    connection: BusConnection, subjects: Subjects, worker: str, path: str, body: bytes
) -> ApiAnswer | None:
    """Return the answer of a worker: None if there is no such worker, a 504 if it does not reply in time."""
    try:
        reply = await connection.request(
            subjects.worker(worker), body, seconds=_SECONDS, headers={REQUEST_PATH: path}
        )
        status = int((reply.headers or {})[REPLY_STATUS])
        return ApiAnswer(status, unpack(reply.data))
    except NoRespondersError:
        return None
    except TimeoutError:
        return ApiAnswer.error(504, f"a worker has not answered within {_SECONDS:g} s")
    except MaxPayloadError:
        return ApiAnswer.error(
            413, f"the request is longer than a message may be, {connection.max_payload} bytes"
        )
    except (KeyError, ValueError):
        return ApiAnswer.error(502, "a worker has answered something else than it was asked for")


async def reply_to(connection: BusConnection, request: Msg, answer: ApiAnswer) -> None:
    """Send the answer to a request, or an error 413 if the answer is too long for a message."""
    packed = pack(answer.body)
    if len(packed) > connection.max_payload:
        reason = (
            f"the answer is longer than a message may be, {connection.max_payload} bytes; ask a host directly"
        )
        await reply_to(connection, request, ApiAnswer.error(413, reason))
        return
    await connection.nats.publish(request.reply, packed, headers={REPLY_STATUS: str(answer.status)})
