"""What is asked of a release: texts written into the question."""

import subprocess
import sys

import duckdb
import pytest

from wangting.figure_rows import rows_of


@pytest.mark.parametrize(
    "text", ["online_application_rate", "a'b", "'; drop table things; --", "what?", "湘桥区"]
)
def test_a_text_of_any_kind_is_found_as_it_is_written(text: str) -> None:
    with duckdb.connect() as con:
        con.execute("create table things (name varchar, month date)")
        con.execute("insert into things values (?, date '2017-11-01')", [text])
        asked = "select name from things where name = ? and month = date_trunc('month', cast(? as date))"
        assert rows_of(con, asked, [text, "2017-11-30"]) == [{"name": text}]
        assert rows_of(con, asked, [text, "2017-12-30"]) == []


def test_a_question_without_its_text_is_not_asked() -> None:
    with duckdb.connect() as con, pytest.raises(ValueError, match="shorter"):
        rows_of(con, "select ? as one, ? as other", ["only one"])


def test_a_figure_is_read_without_pandas() -> None:
    program = (
        "import sys, duckdb; from wangting.figure_rows import rows_of; "
        "rows_of(duckdb.connect(), 'select ? as a', ['x']); sys.exit('pandas' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
