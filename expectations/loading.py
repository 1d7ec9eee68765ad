"""Read a version of the specification and a site's changes to it; a mistake names file, line and field."""

import re
from datetime import date
from pathlib import Path
from typing import Annotated

from pydantic import Field as Declared

from expectations.agreeing import agree, agree_together
from expectations.context import FILE as CONTEXT
from expectations.context import context_of
from expectations.model import CodeList, General, Record, Specification, Strict
from expectations.overriding import changed_by
from wangting import declared
from wangting import specification as layers
from wangting.errors import WangtingError
from wangting.specification import FOLDER as FOLDER
from wangting.specification import Sheet, Version

_OWN_FILES = re.compile(r"^(specification|code_lists|context|ex_gdbs_[a-z]+)\.yml$")


class _Lists(Strict):
    """`code_lists.yml`, under the name that gives its places in an error no prefix of their own."""

    lists: dict[Annotated[str, Declared(pattern=r"^[a-z][a-z_]*$")], CodeList]


def versions() -> list[str]:
    """The versions of the specification that the product carries, oldest first."""
    return [each.name for each in layers.versions()]


def load_specification(
    version: str | None = None,
    override: Path | None = None,
    *,
    folder: Path | None = None,
    on: date | None = None,
) -> Specification:
    """The specification of one version, with a site's changes.

    Args:
        version: e.g. "2013"; None: the one that the site pins, otherwise the one in force.
        override: the site's `specification.yml`, where it has one.
        folder: where the versions lie; None: the product's own.
        on: the day for which the version in force is asked; None: today.

    Raises:
        WangtingError: a file is missing, misspelt or contradicts another; names file, line and field.
    """
    if version is not None:
        found = layers.version(version, folder)
    else:
        from wangting import clock

        found = layers.chosen(override, on or clock.today(), folder)
    specification = _version(found)
    return changed_by(specification, override, found) if override is not None else specification


def site_specification(version: str | None = None, on: date | None = None) -> Specification:
    """The specification as the active site applies it: of a version, or of a day (default: today)."""
    from wangting.site import current_site

    return load_specification(version, current_site().specification_override, on=on)


def _version(version: Version) -> Specification:
    """A version, its overlays laid over its base, without a site's changes."""
    sheets = layers.read(version)
    for name in ("specification.yml", "code_lists.yml", CONTEXT):
        if name not in sheets:
            raise WangtingError("文件不存在", place=str(version.folder / name), mend="补上该文件")
    for name, sheet in sheets.items():
        if not _OWN_FILES.match(name):
            raise sheet.mistake((), f"{name}：不是规范的文件", "改正文件名，或移到别处")
    general_sheet = sheets["specification.yml"]
    content = general_sheet.content | {"valid_until": version.valid_until}
    general = declared.fit(content, General, general_sheet.where)
    lists_sheet = sheets["code_lists.yml"]
    code_lists = declared.fit(
        {"lists": lists_sheet.content}, _Lists, lambda at: lists_sheet.where(at[1:] if at else at)
    ).lists
    records: dict[str, Record] = {}
    named: dict[str, Sheet] = {}
    for name, sheet in sheets.items():
        if not name.startswith("ex_gdbs_"):
            continue
        record = declared.fit(sheet.content, Record, sheet.where)
        if record.record.lower() != Path(name).stem:
            raise sheet.mistake(("record",), f"record：{record.record} 与文件名不一致", "改正名称")
        agree(record, code_lists, sheet)
        records[record.record], named[record.record] = _sourced(record), sheet
    agree_together(general, records, general_sheet, named)
    ordered = {name: records[name] for name in general.order}
    rest = [name for name in records if name not in ordered]
    # What belongs to a case comes before the catalogue.
    ordered |= {
        name: records[name] for name in sorted(rest, key=lambda name: records[name].parent not in ordered)
    }
    context = context_of(sheets, records)
    return Specification(
        general=general,
        records=ordered,
        code_lists=code_lists,
        context={name: column.title for name, column in context.columns.items()},
        thresholds={name: threshold.value for name, threshold in context.thresholds.items()},
    )


def _sourced(record: Record) -> Record:
    """The record with the source of its knowledge written out on every field."""
    fields = {
        name: field if field.source else field.model_copy(update={"source": record.source})
        for name, field in record.fields.items()
    }
    return record.model_copy(update={"fields": fields})
