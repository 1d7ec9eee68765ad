"""A source's own way: `extract.py` beside its declaration, where no connector fits.

It has one function, `connector(source)`, that returns a connector: an object with `extract` and `close`, as
`ingestion.connecting.Connector` says. Making it asks the source nothing.
"""

import importlib.util
import traceback
from typing import Any

import duckdb

from ingestion.connecting import Connector, Extract, place
from ingestion.windows import Load
from wangting.errors import WangtingError
from wangting.site import current_site
from wangting.source_spec import Source

_FILE = "extract.py"


class Own:
    """The connector that the source's folder brings; the file is run when it is first asked for something."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._made: Connector | None = None

    def extract(self, connection: duckdb.DuckDBPyConnection, load: Load) -> Extract:
        """What the source's own way brings.

        Raises:
            WangtingError: there is no extract.py, it does not run, or what it makes is no connector.
        """
        if self._made is None:
            self._made = _own(self._source)
        return self._made.extract(connection, load)

    def close(self) -> None:
        """End its session, if it was begun."""
        if self._made is not None:
            self._made.close()


def _own(source: Source) -> Connector:
    file = current_site().folders.sources[source.name].parent / _FILE
    where = place(source, file=file)
    if not file.is_file():
        raise WangtingError(
            "没有 extract.py（connect 为 own 时必填）",
            place=where,
            mend="写一个函数 connector(source)，或改用别的 connect",
        )
    found = importlib.util.spec_from_file_location(f"extract_{source.name}", file)
    assert found is not None and found.loader is not None  # a file that ends in .py has a loader
    module = importlib.util.module_from_spec(found)
    try:
        found.loader.exec_module(module)
        made: Any = getattr(module, "connector", None)
        asked: Any = made(source) if callable(made) else None
    except WangtingError:
        raise
    except Exception as error:
        # Its text may hold an address with a password; kind and line are enough to find it.
        lines = [
            frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(file)
        ]
        line = getattr(error, "lineno", None) or (lines[-1] if lines else None)
        raise WangtingError(
            f"extract.py 出错（{type(error).__name__}{f'，第 {line} 行' if line else ''}）",
            place=where,
            mend="请改正后再运行",
        ) from None
    if not all(callable(getattr(asked, name, None)) for name in ("extract", "close")):
        raise WangtingError(
            "extract.py 没有给出连接器",
            place=where,
            mend="函数 connector(source) 应返回有 extract 和 close 的对象",
        )
    connector: Connector = asked
    return connector
