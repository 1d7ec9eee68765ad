"""The villages' workbooks: one a town and week, a sheet a village, written by hand and therefore of many habits.

A title, a two-level header with cells merged across and down, dates as text in the way of whoever wrote them, remarks
between the lines, a sum and a line for signatures below them.
"""

import shutil
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from simulator import fault_kinds, places
from simulator.carriers import NAMES, VILLAGE
from simulator.systems import handed_down

if TYPE_CHECKING:
    from simulator.city import City

Cells = tuple[str | None, ...]
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_LINKS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
VILLAGES = ("村居一站", "村居二站", "村居三站")
# Upper header, and the columns below it; a column of its own is merged down over both rows.
HEADER: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("受理编号", ()),
    ("办理事项", ("事项编码", "事项名称")),
    ("办事群众", ("姓名（单位）", "证件号", "手机")),
    ("申请", ("申请时间", "办理途径")),
    ("受理", ("受理时间", "受理意见", "受理人")),
    ("办结", ("办结时间", "办理结果", "退件原因")),
    ("领取", ("领取方式", "领取时间")),
    ("填报时间", ()),
    ("备注", ()),
)
COLUMNS = [name for group, below in HEADER for name in below or (group,)]
_LAST = chr(ord("A") + len(COLUMNS) - 1)
# How people write a moment.
HABITS = ("%Y-%m-%d %H:%M", "%Y.%m.%d %H:%M", "%Y年%m月%d日 %H:%M", "%Y/%m/%d %H:%M")
_WAY = "case {} when '0' then '现场' when '1' then '网办' when '8' then '邮递' end"
_OLDEST = datetime(1970, 1, 1)


def _lines(since: datetime, until: datetime) -> str:
    """SQL: the lines of the workbooks put down in (since, until], each case as that week knows it."""
    joins = " ".join(
        f"left join {table}_then {alias} on {alias}.case_id = sb.case_id and {alias}.file_at = sb.file_at"
        for table, alias in (("sl", "sl"), ("bj", "bj"), ("lqdj", "lq"))
    )
    unreadable = fault_kinds.NUMBER["unreadable_closing_date"]

    def written(moment: str) -> str:
        ways = " ".join(f"when {n} then strftime({moment}, '{habit}')" for n, habit in enumerate(HABITS))
        return f"case c.case_id * 7 % {len(HABITS)} {ways} end"

    return f"""
        with {handed_down.as_of_files(VILLAGE, ("sb", "sl", "bj", "lqdj"), since, until, _OLDEST)}
        select sb.file_at, v.region_code, c.case_id % {len(VILLAGES)} as village, sb.SBLSH as 受理编号,
            sb.SXBM as 事项编码, sb.SXMC as 事项名称, sb.SQRMC as "姓名（单位）", sb.SQRZJHM as 证件号,
            sb.LXRSJ as 手机, {written("sb.SBSJ")} as 申请时间, {_WAY.format("sb.TJFS")} as 办理途径,
            {written("sl.SLSJ")} as 受理时间,
            case sl.SLZTDM when '1' then '同意受理' when '2' then '不受理' end as 受理意见, sl.BLRXM as 受理人,
            case when bj._defect = {unreadable} then strftime(c.at_bj, '%m月底') else {written("bj.BJSJ")} end
                as 办结时间,
            case bj.BJJGDM when '6' then '已办好' when '1' then '退件' end as 办理结果, bj.ZFHTHYY as 退件原因,
            {_WAY.format("lq.LQFS")} as 领取方式, {written("lq.LQSJ")} as 领取时间,
            {written("sb.file_at")} as 填报时间, sl.BSLYY as 备注
        from sb_then sb join plan c on c.case_id = sb.case_id join versions v on v.vid = c.vid {joins}"""


class VillageStation:
    """The folder into which the towns put their villages' workbooks."""

    name = NAMES[VILLAGE]

    def create(self, city: "City") -> None:
        """Make the empty folder."""
        folder = handed_down.drop_folder(city.home, VILLAGE)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)

    def advance(self, city: "City", since: datetime, until: datetime) -> None:
        """Put down the workbooks of the weeks that ended in (since, until]."""
        if not handed_down.is_here(city, VILLAGE):
            return
        handed_down.gather(city, "register", _lines(since, until))
        if not city.is_whole:
            return
        columns, files = handed_down.take(city, "register")
        assert columns == ["region_code", "village", *COLUMNS]
        folder = handed_down.drop_folder(city.home, VILLAGE)
        for moment, rows in files.items():
            for code in sorted({row[0] for row in rows}):
                town = places.regions(city.site)[code].name
                lines = [(int(row[1]), row[2:]) for row in rows if row[0] == code]
                write(folder / f"{moment:%Y-%m-%d}_{code}_村居.xlsx", town, moment, lines)
        handed_down.remember(city, self.name, "register", since)

    def start(self, home: Path) -> dict[str, str]:
        """Where the folder is."""
        return {"VILLAGE_STATION_DROP": str(handed_down.drop_folder(home, VILLAGE))}

    def stop(self, home: Path) -> bool:
        """Nothing to stop."""
        return False


def write(path: Path, town: str, moment: datetime, lines: list[tuple[int, Cells]]) -> None:
    """Write one town's workbook: (number of the village, its cells) a line; the same lines give the same bytes."""
    sheets = {
        village: _sheet(f"{town}{village}", moment, [cells for place, cells in lines if place == number])
        for number, village in enumerate(VILLAGES)
    }
    numbered = list(enumerate(sheets, 1))
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    overrides = "".join(
        f'<Override PartName="/xl/worksheets/sheet{n}.xml" ContentType="{kind}.worksheet+xml"/>'
        for n, _ in numbered
    )
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels"'
        ' ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/>{overrides}</Types>',
        "_rels/.rels": _links([("officeDocument", "xl/workbook.xml")]),
        "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_LINKS}"><sheets>'
        + "".join(f'<sheet name="{village}" sheetId="{n}" r:id="rId{n}"/>' for n, village in numbered)
        + "</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": _links(
            [("worksheet", f"worksheets/sheet{n}.xml") for n, _ in numbered]
        ),
        **{f"xl/worksheets/sheet{n}.xml": sheets[village] for n, village in numbered},
    }
    head = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
    handed_down.archive(path, moment, {name: (head + text).encode("utf-8") for name, text in parts.items()})


def _links(targets: list[tuple[str, str]]) -> str:
    listed = "".join(
        f'<Relationship Id="rId{n}" Type="{_LINKS}/{kind}" Target="{target}"/>'
        for n, (kind, target) in enumerate(targets, 1)
    )
    return f'<Relationships xmlns="{_PACKAGE}/relationships">{listed}</Relationships>'


def _sheet(title: str, moment: datetime, lines: list[Cells]) -> str:
    """One village's sheet."""
    rows: dict[int, Cells] = {
        1: (f"{title}办事登记表",),
        2: (f"填报周期：截至 {moment:%Y年%m月%d日}；日期请写全年月日时分",),
        3: tuple(cell for group, below in HEADER for cell in (group, *[None] * (len(below) - 1))),
        4: tuple(cell for _, below in HEADER for cell in below or (None,)),
    }
    merged = [f"A{row}:{_LAST}{row}" for row in (1, 2)]
    column = 0
    for _, below in HEADER:
        first, last = _letter(column), _letter(column + max(len(below), 1) - 1)
        merged.append(f"{first}3:{last}3" if below else f"{first}3:{first}4")
        column += max(len(below), 1)
    row = 5

    def note(text: str) -> None:
        rows[row] = (text,)
        merged.append(f"A{row}:{_LAST}{row}")

    for number, cells in enumerate(lines):
        rows[row] = cells
        row += 1
        if number % 4 == 0:
            note("说明：以上为上半周登记，以下为补登")
            row += 2  # and a line left empty
    for text in (f"合计：{len(lines)} 件", "填表人（签字）：          审核人（签字）："):
        note(text)
        row += 1
    body = "".join(
        f'<row r="{number}">'
        + "".join(
            f'<c r="{_letter(place)}{number}" t="inlineStr"><is><t xml:space="preserve">{escape(cell)}</t></is></c>'
            for place, cell in enumerate(cells)
            if cell is not None
        )
        + "</row>"
        for number, cells in rows.items()
    )
    spans = "".join(f'<mergeCell ref="{span}"/>' for span in merged)
    return (
        f'<worksheet xmlns="{_MAIN}"><sheetData>{body}</sheetData>'
        f'<mergeCells count="{len(merged)}">{spans}</mergeCells></worksheet>'
    )


def _letter(column: int) -> str:
    """The letter of a column, counted from 0; there are fewer than 27."""
    return chr(ord("A") + column)
