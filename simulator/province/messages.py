"""The XML message in, the JSON receipt out."""

import json
from typing import Any
from xml.etree.ElementTree import ParseError, fromstring

DESCRIPTIONS = {0: "成功", 1: "校验失败", 2: "缺少文件", 3: "异常", 4: "验证失败"}


class BadMessage(ValueError):
    """The message is not one of this interface; the text says why, in Chinese."""


def read(body: bytes) -> tuple[str, dict[str, str]]:
    """The process name and the fields (empty ones left out) of `<ExInfo><standardInfo process=…><Field …>`."""
    if b"<!" in body and (b"<!DOCTYPE" in body or b"<!ENTITY" in body):
        raise BadMessage("报文不得含有 DOCTYPE 或实体定义")
    try:
        root = fromstring(body)
    except (ParseError, ValueError, LookupError) as problem:
        raise BadMessage("报文不是合法的 XML") from problem
    if root.tag != "ExInfo" or len(root) != 1 or root[0].tag != "standardInfo":
        raise BadMessage("报文结构错误：应为 ExInfo/standardInfo/Field")
    record = root[0]
    fields: dict[str, str] = {}
    for element in record:
        name = element.get("FieldName")
        if element.tag != "Field" or not name or len(element):
            raise BadMessage("报文结构错误：standardInfo 之下只应有带 FieldName 的 Field")
        if name in fields:
            raise BadMessage(f"字段 {name} 重复出现")
        fields[name] = element.text or ""
    return record.get("process", ""), {name: value for name, value in fields.items() if value}


def receipt(code: int, receipt_no: str, reasons: list[str] | None = None) -> dict[str, Any]:
    """A receipt as the interface words it."""
    return {"code": code, "desc": DESCRIPTIONS[code], "reasonList": reasons or [], "receiptNo": receipt_no}


def encode(content: Any) -> bytes:
    """JSON in UTF-8."""
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
