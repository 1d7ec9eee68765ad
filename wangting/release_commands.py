"""`wangting freeze` and `wangting items`: figures and the catalogue as of another day."""

from datetime import datetime
from typing import Annotated, Any

import typer

from wangting import console

Json = Annotated[bool, typer.Option("--json", help="输出 JSON")]
# What stands in `fct_item_changes.field`, as people call it.
_FIELDS = {
    "item_code": "事项",
    "item_name": "名称",
    "parent_item_code": "父事项",
    "subject": "性质",
    "unit_code": "实施部门",
    "region_code": "区划",
    "is_settled": "进驻",
    "is_online": "可网办",
    "online_depth": "网办深度",
    "visit_limit": "到现场次数",
    "promised_limit": "承诺时限",
    "promised_limit_unit": "承诺时限单位",
    "statutory_limit": "法定时限",
    "statutory_limit_unit": "法定时限单位",
    "is_immediate": "即办件",
    "person_theme_code": "自然人主题",
    "legal_theme_code": "法人主题",
    "special_theme_code": "专题",
}
_YES = {"true": "是", "false": "否"}
_KINDS = {"added": "新增", "changed": "变更", "ended": "停用"}


def freeze(
    month: Annotated[str | None, typer.Option(help="要冻结的月份，如 2017-10；默认上个月")] = None,
    changes: Annotated[str | None, typer.Option(help="列出这个已冻结的月份后来变了哪些数字，不冻结")] = None,
    limit: Annotated[int, typer.Option(help="屏幕上最多列几行；--json 列出全部")] = 50,
    as_json: Json = False,
) -> None:
    """把一个月的数字冻结下来（不再改动）；以后的变动用 --changes 查看。"""
    from wangting import frozen

    if changes is not None:
        rows = frozen.changes(changes)
        console.emit(rows, as_json=as_json, show=lambda found: _show_changed_figures(changes, found, limit))
        return
    done = frozen.freeze(month).summary()

    def show(row: dict[str, Any]) -> None:
        state = "已冻结" if row["is_new"] else "早已冻结，没有改动"
        console.say(
            f"{row['month']} {state}：{row['rows']} 个数字，{row['frozen_at']}，版本 {row['release']}"
        )
        console.say(f"{row['path']}")

    console.emit(done, as_json=as_json, show=show)


def _show_changed_figures(month: str, rows: list[dict[str, Any]], limit: int) -> None:
    if not rows:
        console.say(f"{month} 冻结的数字与现在一致")
        return
    console.table(
        f"{month} 冻结以后的变动（共 {len(rows)} 个数字，列出 {min(limit, len(rows))}）",
        ["指标", "口径", "性质", "期间", "范围", "分子", "分母"],
        [
            [
                row["metric_code"],
                f"{row['variant']} {row['definition_version']}",
                row["subject"],
                row["period"],
                f"{row['scope_kind']} {row['scope_code']}",
                f"{_count(row['frozen_numerator'])} → {_count(row['present_numerator'])}",
                f"{_count(row['frozen_denominator'])} → {_count(row['present_denominator'])}",
            ]
            for row in rows[:limit]
        ],
        right={5, 6},
    )


def _count(value: int | None) -> str:
    return "—" if value is None else str(value)


def items(
    as_of: Annotated[
        datetime | None, typer.Option("--as-of", formats=["%Y-%m-%d"], help="那一天有效的事项；默认今天")
    ] = None,
    between: Annotated[
        tuple[datetime, datetime] | None,
        typer.Option(
            "--between", formats=["%Y-%m-%d"], help="两天之间谁改了什么（前一天之后，到后一天为止）"
        ),
    ] = None,
    unit: Annotated[str | None, typer.Option(help="只看一个部门（组织机构代码）")] = None,
    limit: Annotated[int, typer.Option(help="屏幕上最多列几行；--json 列出全部")] = 50,
    as_json: Json = False,
) -> None:
    """事项目录：某一天的样子，或两天之间的变更。"""
    from wangting import clock
    from wangting import items as catalogue

    if between is not None:
        first, last = (moment.date() for moment in between)
        rows = catalogue.changes(first, last, unit=unit)
        title = f"{first} 之后到 {last} 的变更"
        labels = ["日期", "部门", "事项", "变更", "字段", "原为", "改为"]
        lines = [
            [
                row["changed_on"],
                row["unit_name"] or row["unit_code"],
                row["item_name"] or row["item_code"],
                _KINDS[row["change_kind"]],
                _FIELDS[row["field"]],
                _YES.get(row["before_value"], row["before_value"]),
                _YES.get(row["after_value"], row["after_value"]),
            ]
            for row in rows[:limit]
        ]
    else:
        day = as_of.date() if as_of else clock.today()
        rows = catalogue.as_of(day, unit=unit)
        title = f"{day} 有效的事项"
        labels = ["事项编码", "版本", "名称", "部门", "进驻", "网办", "深度", "次数"]
        lines = [
            [
                row["item_code"],
                row["item_version"],
                row["item_name"],
                row["unit_code"],
                "是" if row["is_settled"] else "否",
                "是" if row["is_online"] else "否",
                row["online_depth"],
                row["visit_limit"],
            ]
            for row in rows[:limit]
        ]
    console.emit(
        rows,
        as_json=as_json,
        show=lambda found: console.table(f"{title}（共 {len(found)} 行，列出 {len(lines)}）", labels, lines),
    )
