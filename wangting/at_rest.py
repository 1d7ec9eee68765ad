"""Personal data at rest: Parquet that is encrypted where the site wants it, and readable beside what is not."""

import os
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from wangting import data_keys, engine
from wangting.errors import WangtingError
from wangting.site import current_site

if TYPE_CHECKING:
    import pyarrow as pa

_SEALED = b"PARE"  # how a Parquet file with an encrypted footer begins; others begin with PAR1
_Schema = tuple[tuple[str, str], ...]


def writing() -> str:
    """What `copy … to … (format parquet, …)` has to say further here: nothing, or that the file is encrypted.

    Raises:
        WangtingError: the site wants encryption and the environment has no usable key.
    """
    if not current_site().at_rest.encrypt:
        return ""
    if data_keys.CURRENT not in data_keys.known():
        raise WangtingError(
            "站点要求加密存放批次，而没有设置数据密钥",
            place=data_keys.NAME,
            mend="用 openssl rand -hex 32 生成一次，由密钥管理或服务的环境给出，并另行妥善保存",
        )
    return f", encryption_config {{footer_key: '{data_keys.CURRENT}'}}"


def is_sealed(file: Path) -> bool:
    """Whether a Parquet file is encrypted.

    Raises:
        OSError: it cannot be read.
    """
    found = file.stat()
    return _magic(file, found.st_mtime_ns, found.st_size, found.st_ino) == _SEALED


@lru_cache(maxsize=100_000)
def _magic(file: Path, _written: int, _size: int, _inode: int) -> bytes:
    with file.open("rb") as handle:
        return handle.read(4)


def reading(files: list[Path], **options: str | bool) -> str:
    """The rows of some Parquet files as an SQL relation; columns that a file lacks are null.

    Encrypted and plain files may stand beside each other; the relation is for connections of `engine.connect`.

    Args:
        files: at least one.
        options: further ones of `read_parquet`, such as `filename=True`.

    Raises:
        WangtingError: a file is encrypted and no key that the environment has opens it.
    """
    said = "".join(f", {name} = {str(value).lower()}" for name, value in options.items())
    plain: list[Path] = []
    sealed: dict[tuple[str, _Schema], list[Path]] = {}
    for file in files:
        if file.is_file() and is_sealed(file):
            sealed.setdefault((key_of(file), schema_of(file)), []).append(file)
        else:
            plain.append(file)  # a missing one too: DuckDB names it
    if not sealed:
        return f"read_parquet({engine.file_list(files)}, union_by_name = true{said})"
    parts = [f"read_parquet({engine.file_list(plain)}, union_by_name = true{said})"] if plain else []
    # With union_by_name DuckDB 1.5 opens the files again without the key and stops with an internal error, so files of
    # one shape are read together and the shapes are put together here.
    parts += [
        f"read_parquet({engine.file_list(same)}, encryption_config = {{footer_key: '{key}'}}{said})"
        for (key, _), same in sealed.items()
    ]
    if len(parts) == 1:
        return parts[0]
    return "(" + " union all by name ".join(f"select * from {part}" for part in parts) + ")"


def key_of(file: Path) -> str:
    """The name of the key that opens an encrypted file, as `data_keys.known` calls it.

    Raises:
        WangtingError: the environment has none, or none that opens it.
    """
    return _looked_into(file)[0]


def schema_of(file: Path) -> _Schema:
    """Columns and types of an encrypted file.

    Raises:
        WangtingError: as `key_of`.
    """
    return _looked_into(file)[1]


def _looked_into(file: Path) -> tuple[str, _Schema]:
    found = file.stat()
    # Only the keys' fingerprints decide: the answer is kept for the process, the keys are not.
    keys = tuple((name, hash(key)) for name, key in data_keys.known().items())
    return _look(file, found.st_mtime_ns, found.st_size, found.st_ino, keys)


@lru_cache(maxsize=100_000)
def _look(
    file: Path, _written: int, _size: int, _inode: int, keys: tuple[tuple[str, int], ...]
) -> tuple[str, _Schema]:
    if not keys:
        raise WangtingError(
            "文件已加密，而没有设置数据密钥", place=str(file), mend=f"在环境中设置 {data_keys.NAME}"
        )
    with _prober(os.getpid(), keys).cursor() as cursor:
        for name, _ in keys:
            try:
                rows = cursor.execute(
                    f"describe select * from read_parquet({engine.literal(file)},"
                    f" encryption_config = {{footer_key: '{name}'}})"
                ).fetchall()
            except duckdb.InvalidInputException:  # the tag does not fit: another key, or a damaged file
                continue
            return name, tuple((str(row[0]), str(row[1])) for row in rows)
    raise WangtingError(
        "现有的数据密钥打不开该文件（密钥不对，或文件已损坏）",
        place=str(file),
        mend=f"把写入它时的密钥放入 {data_keys.FORMER}；密钥无误时从备份恢复该文件",
    )


@lru_cache(maxsize=1)
def _prober(_process: int, _keys: tuple[tuple[str, int], ...]) -> duckdb.DuckDBPyConnection:
    return engine.connect()


def shape(file: Path) -> tuple[list[str], int]:
    """The columns of a Parquet file, plain or encrypted, and how many rows it has.

    Raises:
        WangtingError: it is encrypted and no key opens it.
        OSError, pyarrow.ArrowInvalid: it cannot be read.
    """
    if not is_sealed(file):
        import pyarrow.parquet as pq

        with pq.ParquetFile(file) as opened:
            return list(opened.schema_arrow.names), int(opened.metadata.num_rows)
    with engine.connect() as work:
        count = work.execute(f"select count(*) from {reading([file])}").fetchall()[0][0]
    return [name for name, _ in schema_of(file)], int(count)


def record_batches(path: Path, columns: list[str], rows: int) -> "Iterator[pa.RecordBatch]":
    """The rows of one Parquet file, plain or encrypted, in pieces of about so many at most, in their order.

    Raises:
        WangtingError: it is encrypted and no key opens it.
        OSError, pyarrow.ArrowInvalid: it cannot be read.
    """
    if not is_sealed(path):
        import pyarrow.parquet as pq

        with pq.ParquetFile(path) as file:
            yield from file.iter_batches(batch_size=rows, columns=columns)
        return
    with engine.connect() as work:
        work.execute("set preserve_insertion_order = true")
        listed = ", ".join('"' + name.replace('"', '""') + '"' for name in columns)
        yield from work.execute(f"select {listed} from {reading([path])}").to_arrow_reader(rows)
