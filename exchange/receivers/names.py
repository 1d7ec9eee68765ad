"""How a receiver calls records, fields and codes: the site's aliases, checked against the specification.

Aliases are applied when a message is worded and undone when it is read back. Record keys, versions and payload hashes
are always in the specification's words.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from exchange.records import Field, RecordType, code_lists, record_types
from wangting import declared
from wangting.errors import WangtingError
from wangting.site import Aliases, Site

# What a message or a table has beside the record's own fields.
SYSTEM_FIELDS = frozenset((
    "VERSION", "IDENTIFY", "DEPTCODE", "REC_FLAG", "REC_CODE", "REC_NO", "REC_REASON", "REC_SEQ", "INSERTTIME",
    "RESPONSETIME",
))  # fmt: skip


@dataclass(frozen=True)
class Names:
    """One record type in the receiver's words.

    Attributes:
        record: what it is called there.
        fields: official name → theirs, of every field.
        codes: official name → our code → theirs, of the fields whose list has aliases.
    """

    record: str
    fields: Mapping[str, str]
    codes: Mapping[str, Mapping[str, str]]

    def undone(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Fields as the receiver gives them, in the specification's names and codes; unknown ones stay as they are."""
        ours = {theirs: official for official, theirs in self.fields.items()}
        found: dict[str, Any] = {}
        for name, value in fields.items():
            official = ours.get(name, name)
            back = {theirs: code for code, theirs in self.codes.get(official, {}).items()}
            found[official] = back.get(value, value)
        return found


def own_fields(kind: RecordType) -> list[Field]:
    """The record's fields without those that every message has anyway."""
    return [field for field in kind.fields if field.official not in SYSTEM_FIELDS]


def text(field: Field, names: Names) -> str:
    """A field's value on the wire as an SQL expression (DuckDB): text, null where it has none."""
    column = f'"{field.column}"'
    if field.type == "time":
        return f"strftime({column}, '%Y-%m-%d %H:%M:%S')"
    value = f"cast({column} as varchar)"
    if codes := names.codes.get(field.official):
        cases = " ".join(f"when {_literal(ours)} then {_literal(theirs)}" for ours, theirs in codes.items())
        value = f"(case {value} {cases} else {value} end)"
    return value


def _literal(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def names_of(site: Site, aliases: Aliases) -> dict[str, Names]:
    """Every record type in the receiver's words, by official name.

    Raises:
        WangtingError: an alias does not fit the specification; the error names file and line.
    """
    kinds = {kind.record: kind for kind in record_types()}
    lists = code_lists()
    if aliases.records or aliases.fields or aliases.codes:
        _check(site.path / "site.yml", aliases, kinds, lists)
    return {
        name: Names(
            record=aliases.records.get(name, name),
            fields={
                field.official: aliases.fields.get(name, {}).get(field.official, field.official)
                for field in kind.fields
            },
            codes={
                field.official: aliases.codes[field.codes]
                for field in kind.fields
                if field.codes in aliases.codes
            },
        )
        for name, kind in kinds.items()
    }


def _check(
    file: Path, aliases: Aliases, kinds: Mapping[str, RecordType], lists: Mapping[str, Mapping[str, str]]
) -> None:
    _, lines = declared.read(file)

    def wrong(what: str, *at: str) -> NoReturn:
        place = ("province", "aliases", *at)
        raise WangtingError(
            f"{'.'.join(place)}：{what}",
            place=f"{file} 第 {declared.line_of(lines, place)} 行",
            mend="对照 wangting spec 列出的名称改正",
        )

    for name in aliases.records:
        if name not in kinds:
            wrong("规范中没有这种记录", "records", name)
    _distinct({name: aliases.records.get(name, name) for name in kinds}, aliases.records, wrong, "records")
    for record, fields in aliases.fields.items():
        if record not in kinds:
            wrong("规范中没有这种记录", "fields", record)
        known = [field.official for field in kinds[record].fields]
        for name, theirs in fields.items():
            if name not in known:
                wrong(f"{record} 没有这个字段", "fields", record, name)
            if theirs in SYSTEM_FIELDS:
                wrong(f"{theirs} 是报文自己的字段，不能用作别名", "fields", record, name)
        _distinct({name: fields.get(name, name) for name in known}, fields, wrong, "fields", record)
    for name, codes in aliases.codes.items():
        if name not in lists:
            wrong("规范中没有这个代码表", "codes", name)
        for code in codes:
            if code not in lists[name]:
                wrong("代码表中没有这个代码", "codes", name, code)
        _distinct({code: codes.get(code, code) for code in lists[name]}, codes, wrong, "codes", name)


def _distinct(called: Mapping[str, str], changed: Mapping[str, str], wrong: Any, *at: str) -> None:
    """Two of ours must not become one of theirs: what is read back could not be told apart."""
    for ours, theirs in changed.items():
        others = [other for other, name in called.items() if name == theirs and other != ours]
        if others:
            wrong(f"{theirs} 已是 {others[0]} 在对方的名称，读回时无法分辨", *at, ours)
