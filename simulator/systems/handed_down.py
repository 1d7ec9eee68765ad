"""What do systems have in common whose cases come in files? Rows gathered over the history, the same files again.

A file is called by the moment at which it is put down. The rows of a chunk of the history wait until all are there; a
step that is made again writes the same bytes under the same names.
"""

import hashlib
import os
import zipfile
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulator.carriers import NAMES
from wangting import site_folders
from wangting.engine import literal

if TYPE_CHECKING:
    from simulator.city import City

# What happened before a vertical system joined comes in one file of its whole stock; from then on one a night.
STOCK_AT = datetime(2017, 11, 20, 1, 30)
Rows = list[tuple[Any, ...]]


def is_here(city: "City", carrier: int) -> bool:
    """Whether the site takes this carrier's source."""
    return NAMES[carrier] in site_folders.of(city.site).sources


def drop_folder(home: Path, carrier: int) -> Path:
    """The folder into which a carrier's files are put."""
    return home.absolute() / "simulator" / "drop" / NAMES[carrier]


def as_of_files(
    carrier: int, tables: Sequence[str], since: datetime, until: datetime, stock_at: datetime
) -> str:
    """SQL: WITH parts `files` (case_id, file_at) and, for each table, `<table>_then`: what a file knows of its cases.

    Args:
        since, until: files put down in (since, until].
        stock_at: everything that became visible earlier stands in the file of this moment.
    """
    seen = f"greatest(_seen, timestamp '{stock_at}')"
    window = f"{seen} > timestamp '{since}' and {seen} <= timestamp '{until}'"
    files = " union ".join(
        f"select _case_id as case_id, {seen} as file_at from all_{name} where _source = {carrier} and {window}"
        for name in tables
    )
    newest = "qualify row_number() over (partition by f.case_id, f.file_at order by r._version desc) = 1"
    parts = [
        f"{name}_then as (select f.case_id, f.file_at, r.* from files f join all_{name} r"
        f" on r._case_id = f.case_id and r._seen <= f.file_at"
        f" where r._source = {carrier} and not r._is_resend {newest})"
        for name in tables
    ]
    return f"files as ({files}), {', '.join(parts)}"


def gather(city: "City", name: str, query: str) -> None:
    """Add a chunk's rows to those that wait under `name`."""
    city.connection.execute(
        f"create temp table if not exists waiting_{name} as select * from ({query}) limit 0"
    )
    city.connection.execute(f"insert into waiting_{name} by name select * from ({query})")


def take(city: "City", name: str) -> tuple[list[str], dict[datetime, Rows]]:
    """The rows that wait under `name`, as texts, by their column `file_at`, in the order of the columns.

    Returns:
        The other columns' names, and for each moment its rows (None: empty).
    """
    con = city.connection
    kinds = {row[0]: row[1] for row in con.execute(f"describe waiting_{name}").fetchall()}
    columns = [column for column in kinds if column != "file_at"]
    texts = ", ".join(
        f"""strftime("{column}", '%Y-%m-%d %H:%M:%S')"""
        if kinds[column] == "TIMESTAMP"
        else f'"{column}"::varchar'
        for column in columns
    )
    found: dict[datetime, Rows] = {}
    for moment, *cells in con.execute(f"select file_at, {texts} from waiting_{name} order by all").fetchall():
        found.setdefault(moment, []).append(tuple(cells))
    return columns, found


def remember(city: "City", source: str, name: str, since: datetime) -> None:
    """Write what was handed down under `name` to truth/<source>__<name>.parquet, `file_at` included, and let it go."""
    path = city.folder / "truth" / f"{source}__{name}.parquet"
    earlier = (
        f"select * from read_parquet({literal(path)}) where file_at <= timestamp '{since}' union all by name"
        if path.exists()
        else ""
    )
    draft = path.with_name(f".{path.name}.new")
    city.connection.execute(
        f"copy ({earlier} select * from waiting_{name}) to {literal(draft)} (format parquet, compression zstd)"
    )
    draft.replace(path)
    city.connection.execute(f"drop table waiting_{name}")


def nights(since: datetime, until: datetime, first: datetime) -> Iterable[datetime]:
    """The moments in (since, until] at which a system that hands down each night from `first` on does so."""
    moment = first
    while moment <= until:
        if moment > since:
            yield moment
        moment += timedelta(days=1)


def checksum(content: bytes) -> str:
    """SHA-256 in hexadecimal letters."""
    return hashlib.sha256(content).hexdigest()


def archive(path: Path, moment: datetime, members: dict[str, bytes]) -> None:
    """Write a ZIP of these members, whole or not at all; the same members and moment give the same bytes."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with zipfile.ZipFile(draft, "w") as target:
        for name, content in members.items():
            about = zipfile.ZipInfo(name, date_time=moment.timetuple()[:6])
            about.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(about, content, compresslevel=1)
    draft.replace(path)
