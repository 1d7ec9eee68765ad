"""The national system of the police: a ZIP of XML each night, one file a kind of record, with a list of what is in it.

Every record stands under the batch (XFPC, the day) in which it was handed down; a correction comes in a later one.
"""

import shutil
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from simulator.carriers import NAMES, NATIONAL
from simulator.systems import handed_down
from simulator.systems.handed_down import Rows

if TYPE_CHECKING:
    from simulator.city import City


def _coded(column: str, **codes: str) -> str:
    """SQL: the official code as this system writes it."""
    listed = " ".join(f"when '{official[1:]}' then '{own}'" for official, own in codes.items())
    return f"case {column} {listed} else {column} end"


_WAY = {"_0": "C", "_1": "W", "_8": "Y"}
_UNIT = {"_G": "WD", "_Z": "CD"}
_CASE = {"LSH": "SBLSH", "SXDM": "SXBM"}
_WHERE = {"XZQH": "XZQHDM"}
# Kind of record → the letters of its file, and the SQL of each element over the official record.
KINDS: dict[str, tuple[str, dict[str, str]]] = {
    "sb": (
        "SQ",
        {
            **_CASE,
            "SXMC": "SXMC",
            "SQRLB": _coded("SQRLX", _1="GR", _2="DW", _9="QT"),
            "SQRXM": "SQRMC",
            "ZJLB": _coded("SQRZJLX", _111="01", _50="02", _001="03"),
            "ZJHM": "SQRZJHM",
            "LXR": "LXRXM",
            "LXDH": "LXRSJ",
            "XMMC": "SBXMMC",
            "CLMX": "SBCLQD",
            "SQFS": _coded("TJFS", **_WAY),
            "SQSJ": "SBSJ",
            "CSMC": "SBJTWD",
            **_WHERE,
            "JGDM": "SBBMZZJGDM",
            "YHBS": "USERIDCODE",
            "BEIZHU": "BZ",
        },
    ),
    "wsysl": (
        "YS",
        {
            **_CASE,
            "JGMC": "YSLBMMC",
            "JGDM": "YSLBMZZJGDM",
            **_WHERE,
            "JBR": "BLRXM",
            "JBRBH": "BLRGH",
            "YSJL": _coded("YSLZTDM", _1="A", _2="R", _3="S"),
            "BYLY": "BSLYY",
            "BZNR": "BJBZSM",
            "YSSJ": "YSLSJ",
        },
    ),
    "sl": (
        "SL",
        {
            **_CASE,
            "JGMC": "SLBMMC",
            "JGDM": "SLBMZZJDDM",
            **_WHERE,
            "JBR": "BLRXM",
            "SLJL": _coded("SLZTDM", _1="1", _2="0"),
            "BYLY": "BSLYY",
            "HZH": "SLHZH",
            "SJ": "SLSJ",
            "SX": "GDBLSX",
            "SXDW": _coded("GDBLSXDW", **_UNIT),
            "CLMX": "SLZLQD",
        },
    ),
    "bjgz": (
        "GZ",
        {
            **_CASE,
            "XH": "XH",
            "JBR": "BJGZFCRXM",
            "YY": "BJGZYY",
            "CLMX": "BJCLQD",
            "SJ": "BJGZSJ",
            **_WHERE,
            "QX": "BZSX",
        },
    ),
    "bjsl": (
        "BZ",
        {
            **_CASE,
            "XH": "XH",
            "JBR": "BJSLBLRXM",
            "CLMX": "BJCLQD",
            "SJ": "BJSJ",
            **_WHERE,
            "DD": "BJSLJTDD",
        },
    ),
    "spcl": (
        "SP",
        {
            **_CASE,
            "HJ": _coded("SPHJDM", _1="S1", _2="S2", _3="S3"),
            "HJMC": "SPHJMC",
            "JGMC": "SPBMMC",
            "JGDM": "SPBMZZJDMD",
            **_WHERE,
            "SPR": "SPRXM",
            "ZWDM": "SPRZWDM",
            "ZW": "SPRZWMC",
            "YJ": "SPYJ",
            "SJ": "SPSJ",
            "JL": _coded("SPHJZTDM", _1="P", _2="N"),
            "XH": "SPBZH",
        },
    ),
    "tbcxsq": (
        "TQ",
        {
            **_CASE,
            "XH": "XH",
            "ZL": _coded("TBCXZL", _A="YC", _B="PS"),
            "ZLMC": "TBCXZLMC",
            "SJ": "TBCXKSRQ",
            "PZR": "TBCXPZR",
            "LY": "TBCXQDLY",
            "NR": "SQNR",
            "SX": "TBCXSX",
            "SXDW": _coded("TBCXSXDW", **_UNIT),
            **_WHERE,
        },
    ),
    "tbcxjg": (
        "TJ",
        {**_CASE, "XH": "XH", "JG": "TBCXJG", "CSSJ": "JGCSRQ", "SJ": "TBCXJSRQ", "SF": "TBCXSFJE", **_WHERE},
    ),
    "bj": (
        "BJ",
        {
            **_CASE,
            "JGMC": "BJBMMC",
            "JGDM": "BJBMZZJDDM",
            **_WHERE,
            "JG": "'R' || BJJGDM",
            "JGSM": "BJJGMS",
            "THYY": "ZFHTHYY",
            "ZZMC": "ZJGZMC",
            "ZZBH": "ZJBH",
            "YXQ": "ZJYXQX",
            "FZJG": "FZGZDW",
            "FY": "SFJE",
            "SJ": "BJSJ",
        },
    ),
    "lqdj": (
        "LQ",
        {
            **_CASE,
            "LQR": "LQRXM",
            "ZJLB": _coded("LQRZJLX", _111="01", _50="02", _001="03"),
            "ZJHM": "LQRSFZJHM",
            "FS": _coded("LQFS", **_WAY),
            "SJ": "LQSJ",
            **_WHERE,
        },
    ),
}


class NationalVertical:
    """The folder into which the national system's nightly files are put."""

    name = NAMES[NATIONAL]

    def create(self, city: "City") -> None:
        """Make the empty folder."""
        folder = handed_down.drop_folder(city.home, NATIONAL)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)

    def advance(self, city: "City", since: datetime, until: datetime) -> None:
        """Put down the files of the nights in (since, until]."""
        if not handed_down.is_here(city, NATIONAL):
            return
        stock = handed_down.STOCK_AT
        for kind, (letters, elements) in KINDS.items():
            listed = ", ".join(f"{sql} as {name}" for name, sql in elements.items())
            at = f"greatest(_seen, timestamp '{stock}')"
            handed_down.gather(
                city,
                letters,
                f"select {at} as file_at, {listed}, strftime(_seen, '%Y%m%d') as XFPC, _written as XFSJ from all_{kind}"
                f" where _source = {NATIONAL} and not _is_resend and {at} > timestamp '{since}'"
                f" and {at} <= timestamp '{until}'",
            )
        if not city.is_whole:
            return
        taken = {letters: handed_down.take(city, letters) for letters, _ in KINDS.values()}
        for moment in handed_down.nights(since, until, stock):
            members = {
                f"{letters}_{moment:%Y%m%d}.xml": _xml(letters, columns, files.get(moment, []))
                for letters, (columns, files) in taken.items()
            }
            counts = {
                f"{letters}_{moment:%Y%m%d}.xml": len(files.get(moment, []))
                for letters, (_, files) in taken.items()
            }
            manifest = "".join(
                f"<WJ><WJM>{name}</WJM><JLS>{counts[name]}</JLS><SHA256>{handed_down.checksum(content)}</SHA256></WJ>\n"
                for name, content in members.items()
            )
            listing = f'<?xml version="1.0" encoding="UTF-8"?>\n<QD>\n{manifest}</QD>\n'.encode()
            path = handed_down.drop_folder(city.home, NATIONAL) / f"GA_{moment:%Y%m%d}.zip"
            handed_down.archive(path, moment, {"MANIFEST.xml": listing, **members})
        for letters in taken:
            handed_down.remember(city, self.name, letters, since)

    def start(self, home: Path) -> dict[str, str]:
        """Where the folder is."""
        return {"NATIONAL_VERTICAL_DROP": str(handed_down.drop_folder(home, NATIONAL))}

    def stop(self, home: Path) -> bool:
        """Nothing to stop."""
        return False


def _xml(letters: str, columns: list[str], rows: Rows) -> bytes:
    """One file: every record with every element, an empty one where there is nothing."""
    lines = []
    for row in rows:
        cells = zip(columns, row, strict=True)
        lines.append(
            "<JL>" + "".join(f"<{name}>{escape(cell or '')}</{name}>" for name, cell in cells) + "</JL>"
        )
    text = "\n".join(['<?xml version="1.0" encoding="UTF-8"?>', f'<SJ lx="{letters}">', *lines, "</SJ>", ""])
    return text.encode("utf-8")
