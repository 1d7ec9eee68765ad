"""DuckDB, one way: same settings everywhere, extensions from the installed packages, never from the network."""

import importlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from wangting import data_keys, settings
from wangting.errors import WangtingError

if TYPE_CHECKING:
    import duckdb

Extension = Literal["postgres_scanner", "mysql_scanner", "sqlite_scanner", "excel", "httpfs"]


def extension_path(name: Extension) -> Path:
    """Where the installed package keeps the signed binary of an extension."""
    import duckdb

    package = importlib.import_module(f"duckdb_extension_{name}")
    assert package.__file__ is not None  # an installed package has a file
    folder = Path(package.__file__).parent
    return folder / "extensions" / f"v{duckdb.__version__}" / f"{name}.duckdb_extension"


def load_extension(connection: "duckdb.DuckDBPyConnection", name: Extension) -> None:
    """Load an extension into a connection."""
    connection.execute(f"LOAD {literal(extension_path(name))}")


def connect(path: Path | str = ":memory:", *, read_only: bool = False) -> "duckdb.DuckDBPyConnection":
    """A connection with the house's settings: two threads, bounded memory, spill beside the state.

    Args:
        path: a database file, or memory.
        read_only: for readers; many readers may share a file that nobody writes.
    """
    import duckdb  # here: commands that only ask the ledger start without it

    spill = settings.home() / "spill"
    connection = duckdb.connect(
        str(path),
        read_only=read_only,
        config={
            "threads": "2",
            "memory_limit": settings.memory_limit(),
            "temp_directory": str(spill),
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "preserve_insertion_order": "false",
        },
    )
    connection.execute("set enable_progress_bar = false")  # it would write between the lines of `--json`
    if keys := data_keys.known():
        _give_keys(connection, keys)
    return connection


def _give_keys(connection: "duckdb.DuckDBPyConnection", keys: dict[str, str]) -> None:
    """Let a connection read, write and spill encrypted; DuckDB keeps keys in memory and lists them nowhere."""
    import duckdb

    load_extension(connection, "httpfs")  # for its cryptography: without it nothing encrypted can be written
    connection.execute("set temp_file_encryption = true")
    for name, key in keys.items():
        try:
            # It takes no parameter. Nothing logs statements this early, and the error would quote it.
            connection.execute(f"pragma add_parquet_key({literal(name)}, {literal(key)})")
        except duckdb.Error:
            raise WangtingError("数据密钥无法使用", place=data_keys.NAME, mend="检查密钥的写法") from None


def literal(value: object) -> str:
    """A value as an SQL string literal, for the places where DuckDB takes no parameter."""
    return "'" + str(value).replace("'", "''") + "'"


def file_list(paths: list[Path]) -> str:
    """Files as an SQL list literal, for `read_parquet`."""
    return "[" + ", ".join(literal(path) for path in paths) + "]"


def given(columns: Mapping[str, str], rows: Iterable[Sequence[object]]) -> str:
    """Rows from Python as an SQL relation: for short processes, and for thousands of rows rather than millions.

    DuckDB's own ways, parameters and Arrow tables, import pandas first: more than a second before the first row.

    Args:
        columns: name → DuckDB type.
        rows: values that JSON knows, in the order of the columns.
    """
    text = json.dumps([list(row) for row in rows], ensure_ascii=False, default=str)
    listed = ", ".join(
        f"cast(line[{place}] as {kind}) as {name}" for place, (name, kind) in enumerate(columns.items(), 1)
    )
    return f"""(select {listed} from (select unnest(from_json({literal(text)}, '[["VARCHAR"]]')) as line))"""
