"""A province to push to: the published HTTP interface, with its own validation, receipts, read-back and bad days."""

from pathlib import Path

from simulator import processes


def _folder(home: Path) -> Path:
    return home.absolute() / "simulator" / "province"


def start(home: Path, specification: Path | None = None, override: Path | None = None) -> dict[str, str]:
    """Start the province (or find it running) and return what a sender must know.

    Args:
        home: WANGTING_HOME; the province keeps its data, token and log in `simulator/province` under it.
        specification: folder of published files to validate by; default: the project's newest.
        override: a site's agreed deviations (`specification.yml`).

    Returns:
        PROVINCE_URL and PROVINCE_TOKEN. The token is made once a home.

    Raises:
        WangtingError: the server did not become healthy; its own words say why.
    """
    folder = _folder(home)
    arguments = []
    if specification is not None:
        arguments += ["--specification", str(specification.absolute())]
    if override is not None:
        arguments += ["--override", str(override.absolute())]
    url = processes.start(home.absolute(), folder, "simulator.province.server", arguments, "省平台模拟服务")
    return {"PROVINCE_URL": url, "PROVINCE_TOKEN": processes.secret(folder / "token")}


def stop(home: Path) -> bool:
    """End the province of this home; True when one was running. Its data stays."""
    return processes.stop(_folder(home))


def is_running(home: Path) -> bool:
    """Whether the province of this home runs."""
    return processes.address(_folder(home)) is not None


def process_id(home: Path) -> int | None:
    """The process id of the province of this home, None when it does not run."""
    return processes.process_id(_folder(home))
