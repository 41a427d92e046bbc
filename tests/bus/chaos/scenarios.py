"""All scenarios. Each raises a `FoulError` or a `ResidueError` if a promise is broken."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from tests.bus.chaos import client_scenarios, disturbances
from tests.bus.chaos.run import Run
from tests.bus.chaos.traffic import Tally


@dataclass(frozen=True, slots=True)
class Scenario:
    """A scenario, and how often it is played unless something else is asked for."""

    play: Callable[[Run], Coroutine[Any, Any, Tally]]
    times: int


SCENARIOS = {
    "kill-workers": Scenario(disturbances.kill_workers, 50),
    "stop-workers": Scenario(disturbances.stop_workers, 30),
    "pause-workers": Scenario(disturbances.pause_workers, 20),
    "kill-servers": Scenario(disturbances.kill_servers, 50),
    "pause-servers": Scenario(disturbances.pause_servers, 20),
    "kill-hosts": Scenario(disturbances.kill_hosts, 50),
    "everything": Scenario(disturbances.everything, 50),
    "lose-acknowledgements": Scenario(disturbances.lose_acknowledgements, 50),
    "stall-connections": Scenario(disturbances.stall_connections, 50),
    "judges-run": Scenario(disturbances.judges_run, 200),
    "poison": Scenario(disturbances.poison, 10),
    "kill-clients": Scenario(client_scenarios.kill_clients, 50),
    "slow-readers": Scenario(client_scenarios.slow_readers, 8),
    "shared-runs": Scenario(client_scenarios.shared_runs, 50),
    "shared-runs-killed": Scenario(client_scenarios.shared_runs_killed, 50),
    "cancel": Scenario(client_scenarios.cancel, 100),
}
