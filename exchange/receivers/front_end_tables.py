"""The tables of a front-end database (前置机), derived from the specification and the site's aliases.

A table a record type under its official name, a column a field, and beside them:

| column | is |
|---|---|
| IDENTIFY, VERSION | the record's key text and version: the primary key |
| DEPTCODE | the sender's code |
| REC_FLAG | 0 new, 1 taken by the receiver, anything else refused |
| REC_CODE | of what is refused: the receipt code, 1–4; 3 (异常) may be tried again, the others need a correction |
| REC_NO, REC_REASON | the receiver's number of the receipt; why it refused |
| REC_SEQ | grows with every row: the order in which they were written |
| INSERTTIME, RESPONSETIME | when we wrote the row, and when the receiver looked at it; local times |
"""

from exchange.receivers.names import Names, names_of, own_fields
from exchange.records import Field, RecordType, record_types
from wangting.site import current_site

_BEFORE = ("identify text not null", "version integer not null", "deptcode text not null")
_AFTER = (
    "rec_flag smallint not null default 0", "rec_code smallint", "rec_no text", "rec_reason text",
    "rec_seq bigint generated always as identity", "inserttime timestamp(0) not null", "responsetime timestamp(0)",
    "primary key (identify, version)",
)  # fmt: skip


def column_of(field: Field, names: Names) -> str:
    """The column of a field; PostgreSQL folds official names to lower case."""
    return names.fields[field.official].lower()


def _type(field: Field) -> str:
    if field.type == "time":
        return "timestamp(0)"
    if field.type == "integer":
        return f"numeric({field.digits or 10})"
    if field.type == "number":
        return f"numeric({field.digits or 18}, {field.scale})"
    # Bytes are at least as many as characters: a value within the specification always fits.
    return f"varchar({field.length})" if field.length else "text"


def table(schema: str, kind: RecordType, names: Names) -> list[str]:
    """The statements that make one record type's table and its index; both only where they are missing."""
    relation = names.record.lower()
    fields = [f"{column_of(field, names)} {_type(field)}" for field in own_fields(kind)]
    columns = ",\n    ".join((*_BEFORE, *fields, *_AFTER))
    return [
        f"create table if not exists {schema}.{relation} (\n    {columns}\n)",
        f"create index if not exists {relation}_new on {schema}.{relation} (rec_seq) where rec_flag = 0",
    ]


def statements() -> list[str]:
    """All tables of the active site's front-end database, for whoever makes them there."""
    site = current_site()
    names = names_of(site, site.province.aliases)
    schema = site.province.front_end.relations
    return [each for kind in record_types() for each in table(schema, kind, names[kind.record])]


def columns(kind: RecordType, names: Names) -> set[str]:
    """Every column that a table must have."""
    mine = {column_of(field, names) for field in own_fields(kind)}
    return mine | {line.split()[0] for line in (*_BEFORE, *_AFTER[:-1])}
