"""What is known of one host; its methods are called under the lock of the `HostPool`."""

from collections.abc import Callable, Iterable
from random import SystemRandom

from ollama_rx.client.hosts.choice import HasModel, Preference
from ollama_rx.client.hosts.host_settings import Host
from ollama_rx.client.hosts.host_status import HostStatus
from ollama_rx.client.hosts.model_names import full_name, is_cloud_model
from ollama_rx.errors import TotalTimeout, UnreachableError
from ollama_rx.transport.session import Session

_FIRST_REST = 1.0  # seconds
_LONGEST_REST = 60.0
_REFUTED_BY_LOOK_UP = (UnreachableError, TotalTimeout)  # the second one comes from look-ups only
_random = SystemRandom()  # as in `retry_unstarted`: clients that failed together do not come back together


class HostState:
    """One host: its connections, its streams, its models and its failures."""

    def __init__(self, host: Host, session: Session, position: int, clock: Callable[[], float]) -> None:
        self.session = session
        self.url = session.shown_url
        self.streams = 0
        self._host = host
        self._position = position
        self._clock = clock
        self._models: frozenset[str] | None = None
        self._loaded: frozenset[str] | None = None
        self._missing: frozenset[str] = frozenset()  # the host itself has said so since the last look-up
        self._rest = 0.0  # the length of the last rest
        self._rests_until = 0.0
        self._error: Exception | None = None

    @property
    def is_full(self) -> bool:
        """Whether it has as many streams as it may have."""
        return self._host.max_streams is not None and self.streams >= self._host.max_streams

    @property
    def resting(self) -> float:
        """The seconds for which it is avoided."""
        return max(0.0, self._rests_until - self._clock())

    def preference(self, model: str | None, preferred: "HostState | None") -> Preference:
        """Return how well it suits a stream; a host is preferred that had the one before."""
        name = None if model is None else full_name(model)
        return Preference(
            has_model=HasModel.YES if name is None else self._has(name),
            is_resting=self.resting > 0,
            is_other_host=preferred is not self,
            is_cold=name not in (self._loaded or ()),
            load=self.streams / self._host.weight,
            position=self._position,
        )

    def _has(self, name: str) -> HasModel:
        if name in self._missing:
            return HasModel.NO
        if name in (self._models or ()):
            return HasModel.YES
        if self._models is None or is_cloud_model(name):
            return HasModel.UNKNOWN
        return HasModel.NO

    def status(self) -> HostStatus:
        """Return what is known."""
        return HostStatus(
            url=self.url,
            weight=self._host.weight,
            max_streams=self._host.max_streams,
            streams=self.streams,
            models=None if self._models is None else tuple(sorted(self._models)),
            loaded=None if self._loaded is None else tuple(sorted(self._loaded)),
            resting=self.resting,
            error=self._error,
        )

    # what is learned

    def looked_up(self, models: Iterable[str], loaded: Iterable[str]) -> None:
        """Note the models on its disk and in its memory; a host that could not be reached is back."""
        self._models = frozenset(map(full_name, models))
        self._loaded = frozenset(map(full_name, loaded))
        self._missing = frozenset()
        if isinstance(self._error, _REFUTED_BY_LOOK_UP):
            self.answered()

    def failed(self, error: Exception, *, rests: bool) -> None:
        """Note a failure; let the host rest, twice as long as the last time, unless it is resting already."""
        self._error = error
        if rests and self.resting == 0:
            self._rest = min(max(2 * self._rest, _FIRST_REST), _LONGEST_REST)
            self._rests_until = self._clock() + _random.uniform(0.5, 1) * self._rest

    def lacks(self, model: str) -> None:
        """Note that it has said that it does not have a model."""
        self._missing |= {full_name(model)}

    def answered(self) -> None:
        """Note that an answer has begun: the host is well."""
        self._rest = self._rests_until = 0.0
        self._error = None

    def has_loaded(self, model: str) -> None:
        """Note that a model is in its memory."""
        name = full_name(model)
        self._loaded = (self._loaded or frozenset()) | {name}
        self._missing -= {name}
