"""The catalogue of items on any day, and who changed what of it between two days; read from the current release."""

from datetime import date
from typing import Any

from wangting import engine
from wangting.errors import WangtingError
from wangting.publish import require_release


def as_of(day: date, *, unit: str | None = None) -> list[dict[str, Any]]:
    """The items in force on a day, each in its version of that day, with the columns of `dim_items`.

    Raises:
        WangtingError: nothing has been published yet.
    """
    return _rows(
        "select * from dim_items where applies_from <= $day and applies_until > $day"
        " and ($unit is null or unit_code = $unit) order by unit_code, item_code",
        {"day": day, "unit": unit},
    )


def changes(first: date, last: date, *, unit: str | None = None) -> list[dict[str, Any]]:
    """What changed after `first` up to and on `last`: one row a field, a new item or an end; with the unit's name.

    Raises:
        WangtingError: the days are the wrong way round, or nothing has been published yet.
    """
    if last < first:
        raise WangtingError(f"{last} 早于 {first}", place="--between", mend="先写较早的一天")
    return _rows(
        "select changes.*, units.unit_name, items.item_name from fct_item_changes as changes"
        " left join dim_units as units using (unit_code)"
        " left join dim_items as items using (item_code, item_version)"
        " where changed_on > $first and changed_on <= $last and ($unit is null or unit_code = $unit)"
        " order by changed_on, unit_code, item_code, field",
        {"first": first, "last": last, "unit": unit},
    )


def _rows(query: str, values: dict[str, Any]) -> list[dict[str, Any]]:
    connection = engine.connect(require_release(), read_only=True)
    try:
        found = connection.execute(query, values)
        names = [column[0] for column in found.description or []]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    finally:
        connection.close()
