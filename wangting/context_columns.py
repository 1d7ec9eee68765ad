"""What the models need of the declared context columns: which columns a kind of record carries, which of them its rules
read, whose change touches a case, and the thresholds that a column has in it.

The declaration itself is held against the rules by `expectations.context`; here it is only taken apart.
"""

from collections.abc import Iterator, Mapping
from typing import Any


def variables(
    context: Mapping[str, Any], records: Mapping[str, Mapping[str, Any]], changes: Mapping[str, Any]
) -> dict[str, Any]:
    """dbt's variables about context columns.

    Args:
        context: content of the version's context.yml.
        records: record type → content of its file.
        changes: content of the site's own changes; a rule that it does not apply reads nothing.

    Returns:
        `context_columns`: kind → its columns (`carried`) and those that a rule reads (`read`), as the file orders
        them; `neighbourhoods`: all that a column has; `context_thresholds`: name → number.
    """
    disabled = set(changes.get("disable_rules") or {})
    declared: Mapping[str, Mapping[str, Any]] = context["columns"]
    columns = {}
    for name, record in records.items():
        carried = [column for column, about in declared.items() if name in about["records"]]
        rules = [rule for rule_id, rule in (record.get("rules") or {}).items() if rule_id not in disabled]
        words = {word for rule in rules for word in _words(rule["expect"])}
        read = [column for column in carried if column in words]
        columns[str(record["kind"])] = {"carried": carried, "read": read}
    thresholds = {name: int(about["value"]) for name, about in (context.get("thresholds") or {}).items()}
    for name, change in (changes.get("thresholds") or {}).items():
        thresholds[name] = int(change["value"])
    return {
        "context_columns": columns,
        "neighbourhoods": sorted({about["neighbourhood"] for about in declared.values()}),
        "context_thresholds": thresholds,
    }


def _words(content: object) -> Iterator[str]:
    if isinstance(content, str):
        yield content
    elif isinstance(content, Mapping):
        for key, value in content.items():
            yield str(key)
            yield from _words(value)
    elif isinstance(content, list):
        for value in content:
            yield from _words(value)
