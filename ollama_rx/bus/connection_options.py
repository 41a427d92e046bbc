"""stub"""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ConnectionOptions:
    servers: tuple[str, ...]

    @classmethod
    def of(cls, servers: str) -> "ConnectionOptions":
        return cls((servers,))

    @property
    def shown_url(self) -> str:
        return ",".join(self.servers)

    def connect_arguments(self) -> dict[str, Any]:
        return {"servers": list(self.servers)}
