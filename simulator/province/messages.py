"""What comes in, XML messages or JSON ones, and the JSON receipt that goes out."""

import json
import re
from collections.abc import Mapping
from typing import Any
from xml.etree.ElementTree import ParseError, fromstring

DESCRIPTIONS = {0: "成功", 1: "校验失败", 2: "缺少文件", 3: "异常", 4: "验证失败"}


_FRAME = re.compile(r'<ExInfo><standardInfo process="([A-Z0-9_]*)">(.*)</standardInfo></ExInfo>', re.DOTALL)
_FIELD = re.compile(r'<Field FieldName="([A-Z0-9_]+)">([^<>&\x00-\x08\x0b-\x1f\ufffe\uffff]*)</Field>')
_FIELD_FRAME = len('<Field FieldName=""></Field>')


class MessageError(ValueError):
    """The message is not one of this interface; the text says why, in Chinese."""


def read(body: bytes) -> tuple[str, dict[str, str]]:
    """The process name and the fields of `<ExInfo><standardInfo process=…><Field FieldName=…>…`.

    Empty fields are left out. Raises MessageError for whatever else.
    """
    return _read_plain(body) or _read_any(body)


def read_stored(body: bytes) -> tuple[str, dict[str, str]]:
    """The same of a message as it is kept: the XML as it came, or what `keep` made of another dialect's."""
    if body.startswith(b"{"):
        kept = json.loads(body)
        return kept["process"], kept["fields"]
    return read(body)


def keep(process: str, fields: dict[str, str]) -> bytes:
    """What came in other words than XML, in one form."""
    return encode({"process": process, "fields": fields})


def read_json(body: bytes) -> list[tuple[int, dict[str, str]]]:
    """The number of the record type and the fields of each `{sblsh, sptype, spobject}`: one object, or a list.

    Empty fields are left out. Raises MessageError for whatever else.
    """
    try:
        given = json.loads(body)
    except (ValueError, RecursionError) as problem:
        raise MessageError("报文不是合法的 JSON") from problem
    found = []
    for each in given if isinstance(given, list) else [given]:
        if not isinstance(each, dict) or each.keys() != {"sblsh", "sptype", "spobject"}:
            raise MessageError("报文结构错误：应为 sblsh、sptype、spobject")
        number, fields = each["sptype"], each["spobject"]
        if isinstance(number, bool) or not isinstance(number, int) or not isinstance(fields, dict):
            raise MessageError("报文结构错误：sptype 应为整数，spobject 应为对象")
        if not all(isinstance(value, str) for value in fields.values()):
            raise MessageError("报文结构错误：spobject 的值应为文字")
        if fields.get("SBLSH") != each["sblsh"]:
            raise MessageError("sblsh 与 spobject 中的 SBLSH 不一致")
        found.append((number, {name: value for name, value in fields.items() if value}))
    if not found:
        raise MessageError("没有报文")
    return found


def _read_plain(body: bytes) -> tuple[str, dict[str, str]] | None:
    """Read a message in its everyday shape, in a third of an XML parser's time; None for every other shape."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return None
    frame = _FRAME.fullmatch(text)
    if frame is None:
        return None
    inside = frame[2]
    pairs = _FIELD.findall(inside)
    fields = dict(pairs)
    # Nothing may stand between the fields: only then is what was found all there is.
    size = sum(map(len, fields)) + sum(map(len, fields.values())) + len(pairs) * _FIELD_FRAME
    if len(fields) != len(pairs) or size != len(inside):
        return None
    return frame[1], {name: value for name, value in pairs if value}


def _read_any(body: bytes) -> tuple[str, dict[str, str]]:
    if b"<!" in body and (b"<!DOCTYPE" in body or b"<!ENTITY" in body):
        raise MessageError("报文不得含有 DOCTYPE 或实体定义")
    try:
        root = fromstring(body)
    except (ParseError, ValueError, LookupError) as problem:
        raise MessageError("报文不是合法的 XML") from problem
    if root.tag != "ExInfo" or len(root) != 1 or root[0].tag != "standardInfo":
        raise MessageError("报文结构错误：应为 ExInfo/standardInfo/Field")
    record = root[0]
    pairs = [(e.get("FieldName"), e.text) for e in record if e.tag == "Field" and not len(e)]
    fields = {name: value for name, value in pairs if name and value}
    if len(pairs) != len(record) or not all(name for name, _ in pairs):
        raise MessageError("报文结构错误：standardInfo 之下只应有带 FieldName 的 Field")
    if len(dict(pairs)) != len(pairs):
        raise MessageError("有字段重复出现")
    return record.get("process", ""), fields


def receipt(code: int, receipt_no: str, reasons: list[str] | None = None) -> dict[str, Any]:
    """A receipt as the interface words it; `named` adds which record it is of."""
    return {"code": code, "desc": DESCRIPTIONS[code], "reasonList": reasons or [], "receiptNo": receipt_no}


def named(receipt: dict[str, Any], facts: Mapping[str, str]) -> dict[str, Any]:
    """The receipt with the record that it is of, in the words of the one who asked."""
    return receipt | {name: facts.get(name, "") for name in ("tableName", "identify", "version")}


def encode(content: Any) -> bytes:
    """JSON in UTF-8."""
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
