"""The size of the model's context, asked for while the model answers."""

from reactivex.abc import DisposableBase
from reactivex.disposable import Disposable

from ollama_rx.client import Client
from ollama_rx.client.bodies import Options, options_field
from ollama_rx.conversation.token_count import find_tokens_limit
from ollama_rx.protocol.json_fields import number_of


class TokensLimit:
    """Knows the limit from the options, or asks the server once."""

    def __init__(self, client: Client, options: Options | None) -> None:
        self.value = number_of((options_field(options) or {}).get("num_ctx"))
        """The limit; None as long as it is not known, and if the server does not tell."""
        self._client = client
        self._is_known = self.value is not None

    def ask(self, model: str) -> DisposableBase:
        """Ask for the limit of a model that is in memory, unless it is known; return what ends that."""
        if self._is_known:
            return Disposable()
        return find_tokens_limit(self._client, model, None).subscribe(self._set)

    def _set(self, value: int | None) -> None:
        self.value = value
        self._is_known = True
