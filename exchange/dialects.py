"""How a record is worded on the wire: the provincial service takes one XML message a record.

Fields go in the specification's order; an empty one is left out; times are yyyy-MM-dd HH:mm:ss. Values are escaped
and otherwise sent as they are. Characters that XML 1.0 forbids cannot be sent in any form and are not quietly
dropped either: such a record is refused here, with a receipt of our own that names the field.
"""

from exchange.records import Field, RecordType

# A carriage return would come out of any XML reader as a line feed, so it is written as a reference.
_ESCAPES = (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"))
_FORBIDDEN = r"[\x00-\x08\x0B\x0C\x0E-\x1F\x{FFFE}\x{FFFF}]"


def _text(field: Field) -> str:
    """A field's value as SQL text; null where it is empty."""
    column = f'"{field.column}"'
    if field.type == "time":
        return f"strftime({column}, '%Y-%m-%d %H:%M:%S')"
    value = f"cast({column} as varchar)"
    if field.type != "text":
        return value
    for plain, escaped in _ESCAPES:
        value = f"replace({value}, '{plain}', '{escaped}')"
    return f"nullif(replace({value}, chr(13), '&#13;'), '')"


def xml_message(kind: RecordType) -> str:
    """The message of a batch row as an SQL expression (DuckDB) over the row's columns: text."""
    parts = [f"'<ExInfo><standardInfo process=\"{kind.record}\">'"]
    parts += [
        f"coalesce('<Field FieldName=\"{field.official}\">' || {_text(field)} || '</Field>', '')"
        for field in kind.fields
    ]
    parts += ["'<Field FieldName=\"VERSION\">' || version || '</Field></standardInfo></ExInfo>'"]
    return " || ".join(parts)


def unsendable_field(kind: RecordType, message: str = "message") -> str:
    """An SQL expression: the official name of the first field that XML cannot carry; null where all can go.

    Args:
        message: the rendered message's column, looked at first: nearly always it is clean.
    """
    cases = " ".join(
        f"when regexp_matches(coalesce(\"{field.column}\", ''), '{_FORBIDDEN}') then '{field.official}'"
        for field in kind.fields
        if field.type == "text"
    )
    return f"case when regexp_matches({message}, '{_FORBIDDEN}') then case {cases} else '?' end end"


def address(dept_code: str, kind: RecordType) -> str:
    """The submission's query string as an SQL expression over record_key and version: text, URL-encoded."""
    from urllib.parse import urlencode

    start = urlencode({"deptCode": dept_code, "tableName": kind.record}).replace("'", "''")
    return f"'/submit?{start}&identify=' || url_encode(record_key) || '&version=' || version"
