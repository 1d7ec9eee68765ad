"""The city's HTTP services, from the item catalogue to the sharing platform, with tokens, pages and bad days."""

from pathlib import Path

from simulator import processes

# Each service's prefix in its address, and what its names in connections.json begin with.
NAMES = {
    "catalogue": "ITEM_CATALOGUE",
    "identity": "IDENTITY",
    "elicence": "ELICENCE",
    "pages": "PERSONAL_PAGES",
    "channels": "CHANNELS",
    "voices": "COMPLAINTS_AND_RATINGS",
    "resources": "PUBLIC_RESOURCES",
    "sharing": "SHARING_CATALOGUE",
}


def _folder(home: Path) -> Path:
    return home.absolute() / "simulator" / "services"


def start(home: Path, expires_in: int = 600) -> dict[str, str]:
    """Start the services (or find them running) and return each one's address, client id and secret.

    Args:
        home: WANGTING_HOME; rows are read from `simulator/emitted/*.parquet` under it.
        expires_in: how long a token holds, in real seconds.

    Returns:
        `<NAME>_URL`, `<NAME>_CLIENT_ID`, `<NAME>_CLIENT_SECRET` for each of `NAMES`.

    Raises:
        WangtingError: the server did not become healthy; its own words say why.
    """
    folder = _folder(home)
    emitted = home.absolute() / "simulator" / "emitted"
    arguments = ["--emitted", str(emitted), "--expires-in", str(expires_in)]
    base = processes.start(
        home.absolute(), folder, "simulator.services.server", arguments, "模拟的政务服务接口"
    )
    connections = {}
    for prefix, name in NAMES.items():
        connections[f"{name}_URL"] = f"{base}/{prefix}"
        connections[f"{name}_CLIENT_ID"] = f"wangting-{prefix}"
        connections[f"{name}_CLIENT_SECRET"] = processes.secret(folder / f"{prefix}.secret")
    return connections


def stop(home: Path) -> bool:
    """End the services of this home; True when they were running."""
    return processes.stop(_folder(home))


def is_running(home: Path) -> bool:
    """Whether the services of this home run."""
    return processes.address(_folder(home)) is not None
