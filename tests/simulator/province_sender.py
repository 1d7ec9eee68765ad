"""A sender for the tests of the province: messages as the interface wants them, and a client."""

import json
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import httpx

ITEM = "10131300500698857413445100"
CASE = "1013130050069885741"
SB, SL, SPCL, BJ = "EX_GDBS_SB", "EX_GDBS_SL", "EX_GDBS_SPCL", "EX_GDBS_BJ"
Fields = dict[str, str]


def case_no(number: int) -> str:
    return f"{CASE}171130{number:04d}"


def application(number: int, **changes: str) -> Fields:
    case = case_no(number)
    fields = {
        "SBLSH": case,
        "SXBM": ITEM,
        "SXMC": "建设工程规划许可证核发",
        "SQRLX": "1",
        "SQRMC": "申请人甲",
        "SQRZJLX": "111",
        "SQRZJHM": "11010519491231002X",
        "LXRXM": "联系人乙",
        "LXRSJ": "13800138000",
        "SBXMMC": "规划许可 <一期> & 二期",
        "SBCLQD": "申请表;身份证",
        "TJFS": "1",
        "SBHZH": case,
        "SBSJ": "2017-11-30 09:30:00",
        "XZQHDM": "445100000000",
        "SBBMZZJGDM": "006988574",
    }
    return {name: value for name, value in (fields | changes).items() if value}


def acceptance(number: int, **changes: str) -> Fields:
    fields = {
        "SBLSH": case_no(number),
        "SXBM": ITEM,
        "SLBMMC": "规划局",
        "SLBMZZJDDM": "006988574",
        "XZQHDM": "445100000000",
        "BLRXM": "受理人丙",
        "SLZTDM": "1",
        "SLHZH": case_no(number),
        "SLSJ": "2017-11-30 15:00:00",
        "GDBLSX": "20",
        "GDBLSXDW": "G",
        "SLZLQD": "申请表",
    }
    return {name: value for name, value in (fields | changes).items() if value}


def closing(number: int, **changes: str) -> Fields:
    fields = {
        "SBLSH": case_no(number),
        "SXBM": ITEM,
        "BJBMZZJDDM": "006988574",
        "XZQHDM": "445100000000",
        "BJJGDM": "6",
        "SFJE": "0",
        "BJSJ": "2017-12-01 10:00:00",
    }
    return {name: value for name, value in (fields | changes).items() if value}


def message(table: str, fields: Fields) -> bytes:
    lines = "".join(f'<Field FieldName="{name}">{escape(value)}</Field>' for name, value in fields.items())
    return f'<ExInfo><standardInfo process="{table}">{lines}</standardInfo></ExInfo>'.encode()


class Sender:
    """A sender that speaks the interface and nothing else."""

    def __init__(self, connections: dict[str, str]) -> None:
        self.http = httpx.Client(
            base_url=connections["PROVINCE_URL"],
            headers={"Authorization": f"Bearer {connections['PROVINCE_TOKEN']}"},
            timeout=5,
            trust_env=False,
        )

    def post(self, table: str, key: str, version: int | str, body: bytes, **changes: str) -> httpx.Response:
        asked = {
            "deptCode": "006988574",
            "tableName": table,
            "identify": key,
            "version": str(version),
        } | changes
        return self.http.post("/submit", params={k: v for k, v in asked.items() if v}, content=body)

    def send(self, table: str, fields: Fields, version: int = 1, key: str | None = None) -> dict[str, Any]:
        answer = self.post(
            table, key or fields["SBLSH"], version, message(table, fields | {"VERSION": str(version)})
        )
        assert answer.status_code == 200
        receipt: dict[str, Any] = answer.json()
        assert receipt.keys() == {
            "code",
            "desc",
            "reasonList",
            "receiptNo",
            "tableName",
            "identify",
            "version",
        }
        return receipt

    def get(self, path: str, **asked: Any) -> Any:
        return self.http.get(path, params=asked).json()

    def misbehave(self, **manners: float) -> None:
        self.http.post("/misbehave", json=manners).raise_for_status()


def a_home(folder: Path) -> Path:
    (folder / "clock.json").write_text(json.dumps({"now": "2017-12-01T09:00:00"}), "utf-8")
    return folder
