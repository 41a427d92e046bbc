"""The names of everything on the bus: streams, subjects, buckets and headers, defined only here.

A subject is a sequence of words separated by dots. A name that a user chooses becomes a single word
(`word_of`), so the name of a model cannot address another subject.
Source: https://docs.nats.io/nats-concepts/subjects
"""

import re
from dataclasses import dataclass
from hashlib import sha256
from secrets import token_hex
from typing import Final

from ollama_rx.arguments import check_text, wrong_value
from ollama_rx.client.hosts.model_names import full_name

DEFAULT_NAMESPACE: Final = "ollama_rx"

MESSAGE_ID: Final = "Nats-Msg-Id"
"""The header by which a stream recognises a message that it has already stored."""
EXPECTED_POSITION: Final = "Nats-Expected-Last-Subject-Sequence"
"""The header with the position that the subject's last message must have for a message to be stored."""
EVENT_KIND: Final = "Ollama-Rx-Event"
PROMPT_PATH: Final = "Ollama-Rx-Path"
PROMPT_MODEL: Final = "Ollama-Rx-Model"
PROMPT_GRACE: Final = "Ollama-Rx-Grace"
PROMPT_DETACHED: Final = "Ollama-Rx-Detached"
PROMPT_BODY: Final = "Ollama-Rx-Body"
SUBJECT_END: Final = "Ollama-Rx-End"
"""The header of the empty message after the last item of a stream; it tells how the stream has ended."""
REQUEST_PATH: Final = "Ollama-Rx-Path"
REPLY_STATUS: Final = "Ollama-Rx-Status"

_WORD = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NOT_PLAIN = re.compile(rb"[^a-z0-9_-]")
_LONGEST_WORD = 200  # characters; the server allows 255 in a consumer's name


@dataclass(frozen=True, slots=True)
class Subjects:
    """The streams and subjects of one namespace; two namespaces on one server are independent.

    Raises:
        ValueError: the namespace is not made of 1 to 64 letters, digits, "_" and "-".
    """

    namespace: str = DEFAULT_NAMESPACE

    def __post_init__(self) -> None:
        check_word("namespace", self.namespace)

    @property
    def prompts_stream(self) -> str:
        """The work queue of prompts."""
        return f"{self.namespace}_prompts"

    @property
    def events_stream(self) -> str:
        """The run logs."""
        return f"{self.namespace}_events"

    @property
    def workers_bucket(self) -> str:
        """The key-value bucket in which each worker has an entry while it lives."""
        return f"{self.namespace}_workers"

    @property
    def large_bucket(self) -> str:
        """The object store of prompts that are too large for a message."""
        return f"{self.namespace}_large"

    @property
    def all_prompts(self) -> str:
        """The subjects of all prompts."""
        return f"{self.namespace}.prompt.*.*"

    def prompts_of(self, model: str) -> str:
        """Return the subjects of all prompts for a model."""
        return f"{self.namespace}.prompt.{word_of(model)}.*"

    def prompt(self, model: str, run: str) -> str:
        """Return the subject of one prompt."""
        return f"{self.namespace}.prompt.{word_of(model)}.{run}"

    def prompt_of_any_model(self, run: str) -> str:
        """Return the subjects that the prompt of a run may have."""
        return f"{self.namespace}.prompt.*.{run}"

    @property
    def all_events(self) -> str:
        """The subjects of all run logs."""
        return f"{self.namespace}.events.*"

    def events(self, run: str) -> str:
        """Return the subject of a run log."""
        return f"{self.namespace}.events.{run}"

    @property
    def all_controls(self) -> str:
        """The subjects of the hints and questions about all runs."""
        return f"{self.namespace}.control.*"

    def control(self, run: str) -> str:
        """Return the subject of the hints and questions about one run."""
        return f"{self.namespace}.control.{run}"

    def readers(self, run: str) -> str:
        """Return the subject that has a subscriber as long as a client reads the answer of a run."""
        return f"{self.namespace}.readers.{run}"

    def worker(self, worker: str) -> str:
        """Return the subject of the requests that one worker answers outside the queue."""
        return f"{self.namespace}.worker.{worker}"


def entry_subject(bucket: str, key: str) -> str:
    """Return the subject under which a key-value bucket stores an entry.

    Source: https://github.com/nats-io/nats-architecture-and-design/blob/main/adr/ADR-8.md
    """
    return f"$KV.{bucket}.{key}"


def word_of(model: str) -> str:
    """Return a model's name as one word of a subject; other names of the same model give the same word.

    >>> word_of("llama3.2"), word_of("hf.co/Me/Gemma:Q4_K_M")
    ('llama3=2e2=3alatest', 'hf=2eco=2fme=2fgemma=3aq4_k_m')
    """
    name = full_name(model).encode("utf-8", "surrogatepass")
    word = _NOT_PLAIN.sub(lambda found: b"=%02x" % found[0][0], name).decode()
    if len(word) > _LONGEST_WORD:
        return f"{word[:100]}={sha256(name).hexdigest()}"
    return word


def new_run() -> str:
    """Return the id of a new run, which nobody can guess."""
    return token_hex(12)


def check_run(run: str) -> str:
    """Return a run id that a user has chosen, unchanged.

    Raises:
        ValueError: it is empty, longer than 64 characters, or not made of letters, digits, "_" and "-".
    """
    return check_word("run", run)


def is_run(run: str) -> bool:
    """Check whether a text can be a run id; a message that a stranger has published may contain any text."""
    return _WORD.fullmatch(run) is not None


def check_word(name: str, word: str) -> str:
    """Return a text unchanged if it can be one word of a subject.

    Raises:
        ValueError: it is empty, longer than 64 characters, or not made of letters, digits, "_" and "-".
    """
    check_text(name, word)
    if not _WORD.fullmatch(word):
        raise wrong_value(name, "1 to 64 letters, digits, '_' and '-'", word)
    return word
