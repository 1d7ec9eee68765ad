"""Batches encrypted at rest: the whole way from cut to province, beside plain ones, under old keys and wrong ones."""

import secrets
import shutil
from datetime import timedelta

import pytest

from exchange import batches
from exchange.cut import cut
from exchange.outbox import enqueue, enqueue_backfill
from exchange.push import push
from exchange.retention import retain
from expectations import gate
from tests.exchange import lane as lanes
from tests.exchange.lane import GO_LIVE, PERSON, SB, SL, entered, judge, states
from wangting import at_rest, data_keys, engine, settings
from wangting.errors import WangtingError

OLD = GO_LIVE - timedelta(days=20)
KEY, OTHER = secrets.token_hex(32), secrets.token_hex(32)


@pytest.fixture
def encrypting(tmp_path, monkeypatch):
    """A function that makes the site want encryption, and sets a key unless told not to."""

    def turn_on(key=KEY):
        folder = tmp_path / "site"
        if not folder.exists():
            shutil.copytree(settings.site_path(), folder)
            with (folder / "site.yml").open("a", encoding="utf-8") as file:
                file.write("\nat_rest: {encrypt: true}\n")
        monkeypatch.setenv("WANGTING_SITE", str(folder))
        if key:
            monkeypatch.setenv(data_keys.NAME, key)

    return turn_on


def files(home, pattern="batches/*/*.parquet"):
    return sorted(home.glob(pattern))


def test_what_is_cut_is_judged_and_sent_encrypted_and_no_number_can_be_read_on_the_disk(
    lane, receiver, encrypting, home
):
    encrypting()
    lane.case(1, GO_LIVE)
    lane.case(2, GO_LIVE + timedelta(hours=1))
    lane.build()
    batch_id = cut().batch_id
    assert files(home) and all(map(at_rest.is_sealed, files(home)))
    judged = gate.judge(batch_id)
    assert (judged.rows, len(judged.outcomes)) == (8, 4)
    judge(batch_id)  # the lane made by hand has no context for the rules that need one
    enqueue(batch_id)
    assert push().states == {"ACK": 8}
    assert any(PERSON in body for body in receiver.stored.values())
    assert not [file for file in files(home) if PERSON.encode() in file.read_bytes()]


def test_plain_batches_from_before_stay_readable_beside_encrypted_ones(lane, receiver, encrypting, home):
    plain = entered(lane) if lane.case(1, GO_LIVE) else ""
    waiting = lane.case(2, OLD)
    entered(lane)
    encrypting()
    corrected = lanes.case_no(1)
    lane.put(SB, corrected, GO_LIVE, BZ="更正")
    lane.put(SL, waiting, GO_LIVE + timedelta(hours=2))  # news of an old case: what is plain of it goes too
    sealed = entered(lane)
    assert not at_rest.is_sealed(batches.record_file(plain, SB.lower()))
    assert at_rest.is_sealed(batches.record_file(sealed, SB.lower()))
    assert push().states == {"SUPERSEDED": 1, "ACK": 8}
    assert states()["SB", "0001", 2] == "ACK"
    assert len(receiver.stored) == 8
    lane.put(SB, corrected, GO_LIVE)
    lane.build()
    again = cut()
    assert (again.corrected, again.new) == (1, 0)


def test_files_of_different_shape_and_key_read_as_one(home, encrypting, monkeypatch):
    """As with `union_by_name`, which DuckDB cannot do on encrypted files: with and without a filter on any column."""
    encrypting()
    folder = home / "given"
    folder.mkdir()

    def write(name, query):
        with engine.connect() as work:
            work.execute(f"copy ({query}) to '{folder / name}' (format parquet{at_rest.writing()})")

    write("a.parquet", "select i::varchar as k, i as n from range(5000) t(i)")
    write("b.parquet", "select i::varchar as k, i as n, 'b' as later from range(5000, 6000) t(i)")
    monkeypatch.setenv(data_keys.NAME, OTHER)
    monkeypatch.setenv(data_keys.FORMER, KEY)
    write("c.parquet", "select i as n, i::varchar as k from range(6000, 7000) t(i)")
    with engine.connect() as work:
        work.execute(f"copy (select '7000' as k, 7000 as n) to '{folder / 'd.parquet'}' (format parquet)")
        rows = at_rest.reading(files(home, "given/*.parquet"), filename=True)
        assert work.execute(f"select count(*), sum(n), count(later) from {rows}").fetchall() == [
            (7001, 7000 * 7001 // 2, 1000)
        ]
        for condition, count in {
            "n between 4990 and 5009": 20,
            "k > '6' and later is null": 1444,
            "later = 'b' and n > 5500": 499,
            "k in (select unnest(['1', '5001', '6001', '7000', 'x']))": 4,
            "filename like '%b.parquet'": 1000,
        }.items():
            found = work.execute(f"select count(*) from {rows} where {condition}").fetchall()
            assert found == [(count,)], condition
    columns, count = at_rest.shape(folder / "b.parquet")
    assert (columns, count) == (["k", "n", "later"], 1000)
    pieces = list(at_rest.record_batches(folder / "a.parquet", ["n"], 2048))
    assert [value for piece in pieces for value in piece.column("n").to_pylist()] == list(range(5000))
    assert max(piece.num_rows for piece in pieces) <= 2048


def test_encryption_without_a_key_writes_nothing_and_says_what_is_missing(lane, encrypting, home):
    encrypting(key=None)
    lane.case(1, GO_LIVE)
    lane.build()
    with pytest.raises(WangtingError, match="没有设置数据密钥") as told:
        cut()
    assert "WANGTING_DATA_KEY" in str(told.value)
    assert not files(home)


@pytest.mark.parametrize("text", ["abc", "zz" * 32, KEY[:-2], "密钥" * 16, f"{KEY}00"])
def test_a_malformed_key_is_refused_and_never_shown(lane, encrypting, text):
    encrypting(key=text)
    lane.case(1, GO_LIVE)
    lane.build()
    with pytest.raises(WangtingError, match="应为 32 字节") as told:
        cut()
    shown = f"{told.value!s}{told.value.as_dict()}{told.value.__cause__!r}"
    assert text not in shown


def test_a_wrong_key_is_one_clear_sentence_and_the_old_key_beside_the_new_one_reads_all(
    lane, receiver, encrypting, monkeypatch
):
    encrypting()
    lane.case(1, GO_LIVE)
    entered(lane)
    monkeypatch.setenv(data_keys.NAME, OTHER)
    with pytest.raises(WangtingError, match="打不开") as told:
        push()
    assert OTHER not in str(told.value) and data_keys.FORMER in str(told.value)
    monkeypatch.delenv(data_keys.NAME)
    with pytest.raises(WangtingError, match="已加密，而没有设置"):
        push()
    monkeypatch.setenv(data_keys.NAME, OTHER)
    monkeypatch.setenv(data_keys.FORMER, KEY)
    assert push().states == {"ACK": 4}


def test_a_key_is_in_no_setting_log_file_or_error_of_the_engine(lane, receiver, encrypting, home):
    encrypting()
    lane.case(1, GO_LIVE)
    entered(lane)
    push()
    forms = {KEY, *data_keys.known().values()}
    with engine.connect() as work:
        listed = [
            str(work.execute(f"select * from {name}()").fetchall())
            for name in ("duckdb_settings", "duckdb_secrets", "duckdb_variables", "duckdb_logs")
        ]
        with pytest.raises(Exception, match="no_such") as told:
            work.execute("select * from no_such_table")
    assert not [text for text in [*listed, str(told.value)] if any(form in text for form in forms)]
    written = [path for path in home.rglob("*") if path.is_file()]
    assert written
    assert not [path for path in written if any(form.encode() in path.read_bytes() for form in forms)]


def test_old_batches_are_encrypted_and_keys_changed_without_losing_a_record(
    lane, receiver, encrypting, monkeypatch, home
):
    lane.case(1, GO_LIVE)
    lane.case(2, OLD)
    entered(lane)
    encrypting()
    assert retain(encrypt=True, dry_run=True).encrypted_files == len(files(home)) == 4
    assert not any(map(at_rest.is_sealed, files(home)))
    assert retain(encrypt=True).encrypted_files == 4
    assert all(map(at_rest.is_sealed, files(home)))
    monkeypatch.setenv(data_keys.NAME, OTHER)
    monkeypatch.setenv(data_keys.FORMER, KEY)
    assert retain(encrypt=True).encrypted_files == 4
    monkeypatch.delenv(data_keys.FORMER)
    assert retain(encrypt=True).encrypted_files == 0
    assert enqueue_backfill().entered >= 4
    assert push().states == {"ACK": 8}
