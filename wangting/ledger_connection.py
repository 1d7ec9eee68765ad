"""How the ledger's database is reached, and what is said when it is not: SQLite by default, PostgreSQL by URL."""

import re
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import ArgumentError

from wangting.errors import WangtingError

PATIENCE = 60  # seconds that a writer waits for another
_AGAIN = "再运行一次，未完成的部分会从断点继续"


def made(url: str) -> Engine:
    """The engine of an address, which is never shown whole: it may hold a password.

    Raises:
        WangtingError: the address cannot be read, or its driver is missing.
    """
    try:
        address = make_url(url)
        if address.drivername in ("postgresql", "postgres"):
            address = address.set(drivername="postgresql+psycopg")
        if address.get_backend_name() not in ("sqlite", "postgresql"):
            raise ArgumentError(f"{address.get_backend_name()} is no ledger")
        if address.get_backend_name() == "postgresql":
            # Another's lock ends in a sentence, not in waiting for ever; the times are naive, so no zone matters.
            settings = {"connect_timeout": 10, "options": f"-c lock_timeout={PATIENCE}s"}
            engine = create_engine(address, connect_args=settings, pool_pre_ping=True)
        else:
            engine = create_engine(address)
    except ModuleNotFoundError as error:
        raise WangtingError(
            f"缺少台账数据库的驱动 {error.name}",
            place="WANGTING_LEDGER_URL",
            mend="在本环境中安装该驱动，或把地址写作 postgresql://…（用随本产品安装的 psycopg）",
        ) from error
    except (ArgumentError, ValueError) as error:  # a dialect that does not exist too
        raise WangtingError(
            "台账地址无法识别",
            place="WANGTING_LEDGER_URL",
            mend="写作 postgresql://用户:密码@主机/库，或去掉它以使用 SQLite",
        ) from error
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare)
        event.listen(engine, "begin", _begin)
    event.listen(engine, "handle_error", lambda context: _worded(context, address))
    return engine


def _prepare(connection: Any, _record: Any) -> None:
    # The driver's own idea of when a transaction begins would let a writer read before it has the right to write.
    connection.isolation_level = None
    # FULL: what was acknowledged must survive a power cut; the busy time-out lets lanes share the file.
    for pragma in (
        f"busy_timeout={PATIENCE * 1000}",
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "cache_size=-65536",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def place(address: URL) -> str:
    """Where the ledger is, without user and password."""
    if address.get_backend_name() == "sqlite":
        return str(address.database)
    host = address.host or address.query.get("host") or "localhost"
    return f"台账数据库 {host}/{address.database}"


def _worded(context: ExceptionContext, address: URL) -> WangtingError | None:
    """The sentence for what a person can mend; None: the error stays as it is."""
    return sentence(context.original_exception, address, is_lost=context.is_disconnect)


def sentence(error: BaseException, address: URL, *, is_lost: bool = False) -> WangtingError | None:
    """What an error of the driver's means for a person; None: nothing that a person could mend.

    Args:
        is_lost: the connection is known to have broken.
    """
    said = str(error)
    code = getattr(error, "sqlstate", None)
    where = place(address)
    if "database is locked" in said or "table is locked" in said or code in ("55P03", "40P01"):
        return WangtingError(
            f"台账正被另一个进程占用，等了 {PATIENCE} 秒仍未轮到",
            place=where,
            mend=f"等它结束后{_AGAIN}",
        )
    if address.get_backend_name() == "sqlite":
        if "file is not a database" in said or "malformed" in said:
            return WangtingError("台账文件已损坏或不是台账", place=where, mend="从备份恢复该文件")
        if "readonly database" in said:
            return WangtingError("台账文件不可写", place=where, mend="检查文件与目录的权限后再运行")
        return None
    if code in ("28P01", "28000") or "password authentication failed" in said:
        return WangtingError(
            "台账数据库不接受该用户或密码", place=where, mend="核对 WANGTING_LEDGER_URL 中的用户与密码"
        )
    if code == "3D000" or re.search(r'database "[^"]*" does not exist', said):
        return WangtingError("台账数据库中没有该库", place=where, mend="先建库，或改正 WANGTING_LEDGER_URL")
    if code == "42501":
        return WangtingError("台账数据库的用户权限不足", place=where, mend="授予该用户在库中建表和读写的权限")
    is_unreachable = code is None and type(error).__name__ in ("OperationalError", "ConnectionTimeout")
    if is_lost or is_unreachable or (code or "").startswith(("08", "57P")):
        return WangtingError(
            "连不上台账数据库，或连接中断", place=where, mend=f"确认数据库在运行、网络可达后{_AGAIN}"
        )
    return None
