"""How a check shows itself on a page of Great Expectations' Data Docs: in Chinese, and with masked values only.

The methods take the place of the renderers that every expectation has (`great_expectations.expectations.expectation`).
What they show comes from the expectation's meta (title, field, mend …) and from a result whose values are masked.
Everything from outside goes in as a parameter: only parameters are escaped.
"""

from typing import Any

from great_expectations.render import (
    LegacyDiagnosticRendererType,
    LegacyRendererType,
    RenderedStringTemplateContent,
    RenderedTableContent,
)
from great_expectations.render.renderer.renderer import renderer

SEVERITIES = {"block": "阻断", "warn": "提醒", "info": "提示"}
UNCHECKED = "未能检查"
_HEADER = ("记录键", "申办流水号", "版本", "部门", "值（已遮盖）")


def said(template: str, *, tag: str = "span", classes: tuple[str, ...] = (), **params: Any) -> Any:
    """A piece of text; `$name` in the template stands for the parameter of that name, escaped."""
    return RenderedStringTemplateContent(
        content_block_type="string_template",
        string_template={
            "template": template,
            "params": {name: "—" if value is None else str(value) for name, value in params.items()},
            "tag": tag,
            "styling": {"classes": list(classes)},
        },
    )


def table(rows: list[list[Any]], header: tuple[str, ...] = (), kind: str = "examples") -> Any:
    """A table whose cells are text from outside."""
    return RenderedTableContent(
        content_block_type="table",
        table=[[said("$cell", cell=_visible(cell)) for cell in row] for row in rows],
        header_row=list(header) or None,
        styling={"body": {"classes": ["table", kind]}},
    )


def _visible(cell: Any) -> Any:
    return "（空白）" if isinstance(cell, str) and not cell.strip() else cell


def is_unchecked(result: Any) -> bool:
    """Whether the check could not run."""
    return bool((result.exception_info or {}).get("raised_exception"))


def _expected(cls: Any, configuration: Any = None, **_: Any) -> list[Any]:
    """The rule, the field, what is expected and how to mend it."""
    meta = configuration.meta
    title, mend = meta["title"], meta["mend"]
    where = {"id": meta["rule"], "field": meta["field"], "name": meta["field_title"]}
    return [
        said("$title", tag="div", classes=("rule",), title=title),
        said("$id　$field $name", tag="div", classes=("field",), **where),
        said("怎样更正：$mend", tag="div", classes=("mend",), mend=mend),
    ]


def _status(cls: Any, result: Any = None, **_: Any) -> Any:
    """The severity, or that the check could not run: in words, no icon font is needed."""
    severity = result.expectation_config.meta["severity"]
    if is_unchecked(result):
        return said("$word", classes=("badge", "unchecked"), word=UNCHECKED)
    return said("$word", classes=("badge", severity), word=SEVERITIES.get(severity, severity))


def _observed(cls: Any, result: Any = None, **_: Any) -> Any:
    """How many records of how many."""
    found = result.result
    if is_unchecked(result):
        return said("$n 条暂留（$error）", n=f"{found['unexpected_count']:,}", error=found["error"])
    share = f"{found['unexpected_percent']:.2f}%"
    return said("$n 条，占 $share", n=f"{found['unexpected_count']:,}", share=share)


def _statement(cls: Any, result: Any = None, **_: Any) -> list[Any]:
    """Nothing more: the observed value has the counts."""
    return []


def _examples(cls: Any, result: Any = None, **_: Any) -> list[Any] | None:
    """A few of the records, masked."""
    rows = result.result.get("partial_unexpected_list") or []
    if not rows:
        return None
    more = result.result["unexpected_count"] - len(rows)
    note = (
        [said("另有 $n 条，全部见 findings.parquet", tag="div", classes=("more",), n=f"{more:,}")]
        if more
        else []
    )
    return [table(rows, _HEADER), *note]


_KINDS = {
    "_prescriptive_renderer": (LegacyRendererType.PRESCRIPTIVE, _expected),
    "_diagnostic_status_icon_renderer": (LegacyDiagnosticRendererType.STATUS_ICON, _status),
    "_diagnostic_observed_value_renderer": (LegacyDiagnosticRendererType.OBSERVED_VALUE, _observed),
    "_diagnostic_unexpected_statement_renderer": (
        LegacyDiagnosticRendererType.UNEXPECTED_STATEMENT,
        _statement,
    ),
    "_diagnostic_unexpected_table_renderer": (LegacyDiagnosticRendererType.UNEXPECTED_TABLE, _examples),
}
# The methods of an expectation class, by the names that they have there.
RENDERERS: dict[str, Any] = {
    name: classmethod(renderer(renderer_type=kind)(draw)) for name, (kind, draw) in _KINDS.items()
}
