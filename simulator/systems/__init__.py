"""Which systems of the city stand beside the platform, the bureau and the towns? Each is one module with one `System`.

A system gets the whole city (its DuckDB connection with `plan`, `versions`, `persons`, `firms`, `all_<record>`,
`latest_<record>`, `happened_<record>`), writes what became visible into its own store, and writes what is true of that
store under `simulator/truth/<source>__<table>.parquet`.
"""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from simulator.systems import beside_the_cases
from simulator.systems.civil_affairs import CivilAffairs
from simulator.systems.national_vertical import NationalVertical
from simulator.systems.provincial_vertical import ProvincialVertical
from simulator.systems.village_station import VillageStation

if TYPE_CHECKING:
    from simulator.city import City


class System(Protocol):
    """One simulated system, or one owner's systems of one kind. It keeps no state but what lies in its folder.

    Attributes:
        name: the source's name, as in sites/<site>/sources/<name>.
    """

    name: str

    def create(self, city: "City") -> None:
        """Make the empty store; called once, before the first day of the history. What was there is removed."""

    def advance(self, city: "City", since: datetime, until: datetime) -> None:
        """Write what became visible in (since, until], local times.

        The history comes in chunks of days, one call a chunk with the same (since, until]: `plan` holds the chunk's
        cases alone, and `city.is_whole` is true at the last. A system that does not speak of cases acts only then.
        On later calls `plan` holds every case of which something is still to come, and `is_whole` is true.
        A step that broke off is made again with the same `since`, and perhaps a later `until`: nothing may come twice.
        """

    def start(self, home: Path) -> dict[str, str]:
        """Start its servers, if it has any; the names and values by which it is reached (for connections.json).

        A system that cannot run on this machine answers with nothing, and its source is then not available.
        """

    def stop(self, home: Path) -> bool:
        """End its servers by their own handle; whether any was running."""


SYSTEMS: tuple[System, ...] = (
    CivilAffairs(),
    NationalVertical(),
    ProvincialVertical(),
    VillageStation(),
    *beside_the_cases.SYSTEMS,
)
"""Every system, in the order in which they are created and advanced."""
