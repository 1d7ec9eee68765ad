"""Retention: what holds personal data is kept as long as the site says, and not longer.

Batches are reduced, never deleted: they are the register by which a cut knows what is new. Findings and raw pages go;
verdicts (key, version, outcome) stay, because without them a held record would read as passed.
"""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path

from sqlalchemy import select

from exchange import batches, reducing
from wangting import at_rest, clock, home_modes, ledger, locks, settings
from wangting.errors import WangtingError
from wangting.site import current_site

_WAIT = 900.0  # seconds: a push under way ends sooner
_TOGETHER = 50  # batches reduced under one hold of the locks, so that a push never waits long


@dataclass
class RetentionSummary:
    """What a run cleared, or would clear.

    Attributes:
        reduced: batches that have lost content now. cleared_rows: their records that have.
        waits: batches not in the outbox yet; until they are, none is reduced.
        findings: batches whose findings went. raw: loads whose pages and files went.
        freed_bytes: what all of it took on the disk, less what is there instead.
        encrypted_files: written anew under the present key. mended: files and folders that others could read or write.
    """

    is_dry_run: bool
    reduced: list[str] = field(default_factory=list)
    cleared_rows: int = 0
    waits: list[str] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)
    raw: list[str] = field(default_factory=list)
    freed_bytes: int = 0
    encrypted_files: int = 0
    mended: int = 0

    def summary(self) -> dict[str, object]:
        """The same as plain data."""
        return asdict(self)


def retain(*, dry_run: bool = False, encrypt: bool = False) -> RetentionSummary:
    """Clear what is older than the site keeps it, and close what others could read.

    Killed at any moment it leaves everything readable; the next run, or the next cut, does the rest.

    Args:
        dry_run: say what would go, change nothing.
        encrypt: also write every batch that is plain, or under a former key, anew under the present key.

    Raises:
        WangtingError: another process works on the exchange for a quarter of an hour, encryption is wanted and there
            is no key, or a key does not open a file.
    """
    wants_key = bool(at_rest.writing())
    if encrypt and not wants_key:
        raise WangtingError(
            "站点没有要求加密存放批次",
            place="site.yml 的 at_rest",
            mend="写上 at_rest: {encrypt: true} 再运行",
        )
    summary = RetentionSummary(dry_run)
    kept = current_site().retention
    if kept.batches is not None:
        _reduce_batches(clock.now() - kept.batches, summary)
    if kept.verdicts is not None:
        _delete_findings(clock.now() - kept.verdicts, summary)
    if kept.raw is not None:
        _delete_raw(clock.now() - kept.raw, summary)
    if encrypt:
        _encrypt(summary)
    summary.mended = len(list(home_modes.wider())) if dry_run else home_modes.mend()
    return summary


@contextmanager
def _alone() -> Iterator[None]:
    """No cut, push or judgement meanwhile; taken in the order in which a push takes them."""
    with ExitStack() as held:
        for name in ("exchange", "push", "gate"):
            held.enter_context(locks.writer(name, wait=_WAIT))
        yield


def _reduce_batches(before: datetime, summary: RetentionSummary) -> None:
    if not summary.is_dry_run:
        with _alone():
            reducing.finish()
    due = _due(before, summary)
    if summary.is_dry_run:
        summary.reduced = due
        return
    for start in range(0, len(due), _TOGETHER):
        with _alone():
            # What was due may have news meanwhile; whether anything else is open is asked once more in the end.
            part = [
                batch_id for batch_id in _due(before, summary) if batch_id in due[start : start + _TOGETHER]
            ]
            sizes = sum(_size(batches.folder(batch_id)) for batch_id in part)
            summary.cleared_rows += reducing.reduce(part)
            summary.freed_bytes += sizes - sum(_size(batches.folder(batch_id)) for batch_id in part)
            summary.reduced += part


def _due(before: datetime, summary: RetentionSummary) -> list[str]:
    """The old batches in which something may lose its content: reduced never, or with fewer open records than then."""
    known = batches.committed()
    summary.waits = [batch["batch_id"] for batch in known if batch["state"] != "enqueued"]
    if summary.waits:
        return []
    is_open = reducing.open_rows()
    return [
        batch["batch_id"]
        for batch in known
        if batch["cut_at"] < before
        and (
            (batch["payload_rows"] if batch["payload_rows"] is not None else batch["rows"])
            > is_open.get(batch["batch_id"], 0)
        )
    ]


def _delete_findings(before: datetime, summary: RetentionSummary) -> None:
    """What was found in old batches; of a batch with open records it stays, for it says why they are held."""
    is_open = reducing.open_rows()
    for batch in batches.committed():
        if batch["cut_at"] >= before or batch["batch_id"] in is_open or batch["state"] != "enqueued":
            continue
        found = batches.findings_file(batch["batch_id"])
        if found.is_file():
            summary.findings.append(batch["batch_id"])
            summary.freed_bytes += found.stat().st_size
            if not summary.is_dry_run:
                found.unlink()


def _delete_raw(before: datetime, summary: RetentionSummary) -> None:
    query = select(ledger.loads.c.source, ledger.loads.c.table_name, ledger.loads.c.load_id).where(
        ledger.loads.c.state.in_(["committed", "empty"]), ledger.loads.c.planned_at < before
    )
    home = settings.home() / "raw"
    for row in ledger.rows(query.order_by(ledger.loads.c.load_id)):
        folder = home / row["source"] / row["table_name"] / row["load_id"]
        if folder.is_dir():
            summary.raw.append(row["load_id"])
            summary.freed_bytes += _size(folder)
            if not summary.is_dry_run:
                shutil.rmtree(folder)


def _encrypt(summary: RetentionSummary) -> None:
    for batch in batches.committed():
        if summary.is_dry_run:
            summary.encrypted_files += len(reducing.not_under_present_key(batch["batch_id"]))
        elif reducing.not_under_present_key(batch["batch_id"]):
            with _alone():
                summary.encrypted_files += reducing.encrypt(batch["batch_id"])


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
