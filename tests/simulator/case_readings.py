"""What the systems that carry cases of their own show, read by nothing of ours: as an outsider with manuals would.

Each reading is case number → (channel, applied, accepted, whether refused, closed, result), in official codes; the
codes of each system are written out here once more.
"""

import csv
import io
import zipfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from xml.etree import ElementTree

import duckdb
from openpyxl import load_workbook

Case = tuple[str | None, datetime | None, datetime | None, bool, datetime | None, str | None]
Reading = dict[str, Case]


def _moment(text: str | None) -> datetime | None:
    if not text:
        return None
    for way in (
        "%Y-%m-%d %H:%M:%S",
        "%Y-%m-%d %H:%M",
        "%Y.%m.%d %H:%M",
        "%Y年%m月%d日 %H:%M",
        "%Y/%m/%d %H:%M",
    ):
        try:
            return datetime.strptime(text, way)
        except ValueError:
            continue
    return None


def _case(
    channel: str | None,
    applied: datetime | None,
    accepted: datetime | None,
    status: str | None,
    closed: datetime | None,
    result: str | None,
) -> Case:
    """Accepted counts only where it was not refused."""
    return channel, applied, accepted if status == "1" else None, status == "2", closed, result


def civil_affairs(url: str) -> Reading:
    """The rows of the MariaDB table of cases."""
    from wangting.engine import load_extension

    connection = duckdb.connect()
    load_extension(connection, "mysql_scanner")
    connection.execute(f"attach '{url}' as there (type mysql, read_only)")
    rows = connection.execute(
        "select bjbh, sqqd, sqsj, slsj, slzt, bjsj, bjjg from there.mz_banjian"
    ).fetchall()
    connection.close()
    channel, status = {"CK": "0", "WW": "1", "YJ": "8"}, {"Y": "1", "N": "2"}
    results = dict(
        zip(("出证", "退件", "作废", "删除", "转报", "逾期", "办结", "不许可"), "01234567", strict=True)
    )
    return {
        row[0]: _case(
            channel.get(row[1]),
            row[2],
            row[3],
            status.get(row[4]),
            row[5],
            results[row[6]] if row[6] else None,
        )
        for row in rows
    }


def members(folder: Path) -> Iterator[tuple[Path, str, bytes]]:
    """Every file in the archives of a folder, by the archives' names."""
    for path in sorted(folder.glob("*.zip")):
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                yield path, name, archive.read(name)


def xml_rows(content: bytes) -> list[dict[str, str | None]]:
    """The records of one file of the national system."""
    return [{cell.tag: cell.text for cell in row} for row in ElementTree.fromstring(content)]


def csv_rows(content: bytes) -> list[dict[str, str]]:
    """The lines of one file of the provincial system."""
    return list(csv.DictReader(io.StringIO(content.decode("gbk"))))


def national_vertical(folder: Path) -> Reading:
    """The newest batch of each record counts."""
    newest: dict[str, dict[str, dict[str, str | None]]] = {}
    for _, name, content in members(folder):
        kind = name.partition("_")[0]
        if kind in ("SQ", "SL", "BJ"):
            for row in xml_rows(content):
                held = newest.setdefault(kind, {})
                known = held.get(str(row["LSH"]))
                if known is None or str(known["XFPC"]) <= str(row["XFPC"]):
                    held[str(row["LSH"])] = row
    answer: Reading = {}
    none: dict[str, str | None] = {}
    for number, row in newest["SQ"].items():
        accepted, closed = newest["SL"].get(number, none), newest["BJ"].get(number, none)
        answer[number] = _case(
            {"C": "0", "W": "1", "Y": "8"}.get(str(row["SQFS"])),
            _moment(row["SQSJ"]),
            _moment(accepted.get("SJ")),
            {"1": "1", "0": "2"}.get(str(accepted.get("SLJL"))),
            _moment(closed.get("SJ")),
            closed["JG"][1:] if closed.get("JG") else None,  # type: ignore[index]
        )
    return answer


def provincial_vertical(folder: Path) -> Reading:
    """The newest batch of each case counts."""
    results = dict(
        zip(
            ("发证", "不予批准", "撤销", "删除", "上报", "视为撤回", "已办", "不予许可"),
            "01234567",
            strict=True,
        )
    )
    answer: Reading = {}
    for _, name, content in members(folder):
        if name.startswith("AJ_"):
            for row in csv_rows(content):
                answer[row["受理号"]] = _case(
                    {"大厅": "0", "网厅": "1", "寄递": "8"}.get(row["提交渠道"]),
                    _moment(row["提交时间"]),
                    _moment(row["受理时间"]),
                    {"准予受理": "1", "不予受理": "2"}.get(row["受理结论"]),
                    _moment(row["办结时间"]),
                    results[row["办结结论"]] if row["办结结论"] else None,
                )
    return answer


def village_station(folder: Path) -> Reading:
    """The newest workbook of each line counts; what has no case number in its first cell is no line."""
    answer: Reading = {}
    for path in sorted(folder.glob("*.xlsx")):
        for sheet in load_workbook(path).worksheets:
            names = [low.value or top.value for top, low in zip(sheet[3], sheet[4], strict=True)]
            for cells in sheet.iter_rows(min_row=5, values_only=True):
                row = {
                    name: None if cell is None else str(cell) for name, cell in zip(names, cells, strict=True)
                }
                number = row["受理编号"]
                if number is None or len(number) != 29 or not number.isalnum():
                    continue
                answer[number] = _case(
                    {"现场": "0", "网办": "1", "邮递": "8"}.get(str(row["办理途径"])),
                    _moment(row["申请时间"]),
                    _moment(row["受理时间"]),
                    {"同意受理": "1", "不受理": "2"}.get(str(row["受理意见"])),
                    _moment(row["办结时间"]),
                    {"已办好": "6", "退件": "1"}.get(str(row["办理结果"])),
                )
    return answer
