"""The provincial system of food and drug supervision: a ZIP of GBK CSV each night, with a list of what is in it.

One line a case, as it stands that night, and one a step; a case that changed comes again, whole, in a later file.
"""

import csv
import io
import shutil
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from simulator.carriers import NAMES, PROVINCIAL
from simulator.systems import handed_down
from simulator.systems.handed_down import Rows

if TYPE_CHECKING:
    from simulator.city import City

ENCODING = "gbk"
STOCK_AT = handed_down.STOCK_AT.replace(hour=2, minute=10)
TABLES = ("AJ", "LC")
_WAY = "case {0} when '0' then '大厅' when '1' then '网厅' when '8' then '寄递' else {0} end"


def _cases(since: datetime, until: datetime) -> str:
    """SQL: the lines of the files put down in (since, until], each case as the file knows it."""
    tables = ("sb", "wsysl", "sl", "bj", "lqdj")
    joins = " ".join(
        f"left join {table}_then {alias} on {alias}.case_id = sb.case_id and {alias}.file_at = sb.file_at"
        for table, alias in (("wsysl", "y"), ("sl", "sl"), ("bj", "bj"), ("lqdj", "lq"))
    )
    results = (
        "['发证', '不予批准', '撤销', '删除', '上报', '视为撤回', '已办', '不予许可'][1 + bj.BJJGDM::integer]"
    )
    return f"""
        with {handed_down.as_of_files(PROVINCIAL, tables, since, until, STOCK_AT)}
        select sb.file_at, sb.SBLSH as 受理号, sb.SXBM as 事项代码, sb.SXMC as 事项名称, sb.SQRMC as 申请单位,
            case sb.SQRLX when '1' then '个人' when '2' then '企业' else '其他' end as 申请人类别,
            case sb.SQRZJLX when '111' then '居民身份证' when '50' then '机构代码证' when '001' then '营业执照' end
                as 证照类别,
            sb.SQRZJHM as 证照号码, sb.LXRXM as 联系人, sb.LXRSJ as 联系手机, sb.SBXMMC as 项目, sb.SBCLQD as 材料,
            {_WAY.format("sb.TJFS")} as 提交渠道, sb.SBSJ as 提交时间, sb.SBJTWD as 网点, sb.XZQHDM as 行政区划,
            sb.SBBMZZJGDM as 机构代码, sb.BZ as 备注,
            y.BLRXM as 预审人, y.YSLSJ as 预审时间,
            case y.YSLZTDM when '1' then '预审通过' when '2' then '预审不通过' end as 预审结论,
            coalesce(sl.BSLYY, y.BSLYY) as 不受理原因, sl.BLRXM as 受理人, sl.SLSJ as 受理时间,
            case sl.SLZTDM when '1' then '准予受理' when '2' then '不予受理' end as 受理结论, sl.SLHZH as 受理回执,
            sl.GDBLSX as 承诺时限, case sl.GDBLSXDW when 'G' then '个工作日' when 'Z' then '天' end as 时限单位,
            sl.SLZLQD as 受理材料, bj.BJSJ as 办结时间, {results} as 办结结论, bj.BJJGMS as 结论说明,
            bj.ZFHTHYY as 退回理由, bj.ZJGZMC as 证书名称, bj.ZJBH as 证书编号, bj.ZJYXQX as 有效期,
            bj.FZGZDW as 发证机关, bj.SFJE as 收费, lq.LQRXM as 领证人, lq.LQRSFZJHM as 领证人证件,
            {_WAY.format("lq.LQFS")} as 领证方式, lq.LQSJ as 领证时间, strftime(sb.file_at, '%Y%m%d') as 下发批次,
            greatest(sb._written, y._written, sl._written, bj._written, lq._written) as 更新时间
        from sb_then sb {joins}"""


def _steps(since: datetime, until: datetime) -> str:
    """SQL: the lines of the steps in the files put down in (since, until]."""
    at = f"greatest(_seen, timestamp '{STOCK_AT}')"
    return f"""
        select {at} as file_at, SBLSH as 受理号, SXBM as 事项代码, ['承办', '审核', '审批'][SPBZH] as 环节,
            SPBZH as 序号, SPBMZZJDMD as 机构代码, XZQHDM as 行政区划, SPRXM as 处理人, SPRZWDM as 职务代码,
            SPRZWMC as 职务, SPYJ as 意见, SPSJ as 处理时间,
            case SPHJZTDM when '1' then '同意' else '不同意' end as 结论, strftime({at}, '%Y%m%d') as 下发批次,
            _written as 更新时间
        from all_spcl where _source = {PROVINCIAL} and not _is_resend and {at} > timestamp '{since}'
            and {at} <= timestamp '{until}'"""


class ProvincialVertical:
    """The folder into which the provincial system's nightly files are put."""

    name = NAMES[PROVINCIAL]

    def create(self, city: "City") -> None:
        """Make the empty folder."""
        folder = handed_down.drop_folder(city.home, PROVINCIAL)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)

    def advance(self, city: "City", since: datetime, until: datetime) -> None:
        """Put down the files of the nights in (since, until]."""
        if not handed_down.is_here(city, PROVINCIAL):
            return
        for name, query in (("AJ", _cases(since, until)), ("LC", _steps(since, until))):
            handed_down.gather(city, name, query)
        if not city.is_whole:
            return
        taken = {name: handed_down.take(city, name) for name in TABLES}
        for moment in handed_down.nights(since, until, STOCK_AT):
            members, counts = {}, {}
            for name, (columns, files) in taken.items():
                rows = files.get(moment, [])
                file = f"{name}_{moment:%Y%m%d}.csv"
                members[file], counts[file] = _csv(columns, rows), len(rows)
            listed = [
                (file, str(counts[file]), handed_down.checksum(content)) for file, content in members.items()
            ]
            path = handed_down.drop_folder(city.home, PROVINCIAL) / f"SPYP_{moment:%Y%m%d}.zip"
            manifest = {"MANIFEST.csv": _csv(["file", "rows", "sha256"], listed)}
            handed_down.archive(path, moment, manifest | members)
        for name in TABLES:
            handed_down.remember(city, self.name, name, since)

    def start(self, home: Path) -> dict[str, str]:
        """Where the folder is."""
        return {"PROVINCIAL_VERTICAL_DROP": str(handed_down.drop_folder(home, PROVINCIAL))}

    def stop(self, home: Path) -> bool:
        """Nothing to stop."""
        return False


def _csv(columns: list[str], rows: Rows) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue().encode(ENCODING)
