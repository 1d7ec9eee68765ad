"""How `wangting metric` shows a figure, its targets, its cuts and what is behind it."""

from typing import Any

from wangting import console, figures

# What fits a screen; `--json` gives every column.
_LABELS = {
    "case_no": "申办流水号",
    "item_code": "事项编码",
    "kind_name": "证照种类",
    "holder_key": "户（假名）",
    "reply_no": "编号",
    "check_no": "检查编号",
    "rating_no": "评价编号",
    "is_in_numerator": "计入分子",
    "origin": "来源",
    "door": "渠道",
    "unit_code": "部门",
    "channel_code": "提交方式",
    "visit_count": "到现场次数",
    "closed_at": "办结时间",
    "closing_result": "办结结果",
    "online_depth": "深度",
    "visit_limit": "申报次数",
    "begun_at": "提出",
    "replied_at": "回复",
    "due_on": "到期",
    "problem": "问题",
    "score": "星数",
    "rated_at": "评价时间",
    "row_count": "行数",
}
_CUTS = {
    "unit": "部门",
    "county": "县区",
    "region": "区划",
    "level": "层级",
    "person_theme": "自然人主题",
    "legal_theme": "法人主题",
    "special_theme": "专题",
    "channel": "提交方式",
    "month": "月份",
}


def show_every(figures_of: list[dict[str, Any]]) -> None:
    """Print one line a metric, as `figures.every` has them."""
    first = figures_of[0]
    console.table(
        f"指标 {first['period']}（截至 {first['state_on']}）{first['scope_name']}",
        ["代码", "指标", "数值", "分子", "分母", "类别"],
        [
            [
                one["metric"],
                one["name"],
                one["value"],
                one["numerator"],
                "" if one["denominator"] is None else one["denominator"],
                figures.SUBJECTS[one["subject"]],
            ]
            for one in figures_of
        ],
        right={2, 3, 4},
    )


def show(
    figure: dict[str, Any],
    behind: dict[str, Any] | None,
    cells: list[dict[str, Any]] | None,
    by: list[str],
    limit: int,
) -> None:
    """Print a figure; `behind` as figures.proof, `cells` as figures.cut by `by`, at most `limit` rows each."""
    counted = figure["counted"]
    console.say(f"  {figure['value']}", bold=figure["name"])
    if figure["denominator"] is not None:
        console.say(f"分子 {figure['numerator']} / 分母 {figure['denominator']} {counted}")
    if figure["unknown_count"]:
        console.say(f"其中不明 {figure['unknown_count']} {counted}（留在分母）")
    if figure["abandoned_count"]:
        console.say(f"其中补正不来 {figure['abandoned_count']} {counted}")
    console.say(
        f"期间 {figure['period']}（截至 {figure['state_on']}）  范围 {figure['scope_name']}"
        f"  {figures.SUBJECTS[figure['subject']]}"
    )
    if figure["place"] is not None:
        console.say(f"名次 {figure['place']}（同级 {figure['ranked_count']} 个，并列同名）")
    changes = {"比上期": figure["change_on_period_before"], "比上年同期": figure["change_on_year_ago"]}
    told = [f"{name} {_change(figure, change)}" for name, change in changes.items() if change is not None]
    if told:
        console.say("  ".join(told))
    console.say(f"口径 {figure['variant']} {figure['definition_version']}  依据 {figure['clause']}")
    console.say(f"说明 {figure['notes']}")
    if figure["targets"]:
        _show_targets(figure["targets"])
    if cells is not None:
        _show_cells(cells, by, limit)
    if behind is not None:
        _show_proof(figure, behind, limit)


def _change(figure: dict[str, Any], change: float) -> str:
    if figure["kind"] in ("share", "ratio"):
        return f"{change * 100:+.2f} 个百分点"
    return f"{change:+.2f}" if figure["kind"] == "mean" else f"{change:+.0f} {figure['counted']}"


def _show_targets(targets: list[dict[str, Any]]) -> None:
    console.table(
        "目标（一月以来累计；往年方案的目标仍作尺子）",
        ["方案", "层级", "目标", "差距（百分点）", "还差件数", "达标", "依据"],
        [
            [
                f"{target['plan_code']} {target['plan_year'] or ''}".strip(),
                target["plan_level_name"] + ("（力争）" if target["is_aspirational"] else ""),
                f"{target['comparator']} {target['target_value'].normalize():f} %",
                "—" if target["gap_points"] is None else f"{target['gap_points']:+.2f}",
                "—" if target["shortfall_count"] is None else target["shortfall_count"],
                {True: "是", False: "否", None: figures.NOTHING}[target["is_met"]],
                target["clause"],
            ]
            for target in targets
        ],
        right={3, 4},
    )


def _show_cells(cells: list[dict[str, Any]], by: list[str], limit: int) -> None:
    shown = cells[:limit]
    console.table(
        f"切分（共 {len(cells)} 格，列出 {len(shown)}）",
        [*[_CUTS.get(name, _LABELS.get(name, name)) for name in by], "分子", "分母", "数值"],
        [
            [
                *[_cell(row.get(f"{name}_name") or row[name]) for name in by],
                row["numerator"],
                row["denominator"],
                row["value"],
            ]
            for row in shown
        ],
        right={len(by), len(by) + 1, len(by) + 2},
    )


def _show_proof(figure: dict[str, Any], behind: dict[str, Any], limit: int) -> None:
    rows = behind["rows"]
    shown = rows[:limit]
    hidden = {"item_code"} if figure["counts"] != "item" else set()
    names = [name for name in _LABELS if shown and name in shown[0] and name not in hidden]
    console.table(
        f"核对清单（共 {len(rows)} {figure['counted']}，列出 {len(shown)}）",
        [_LABELS[name] for name in names],
        [[_cell(row[name]) for name in names] for row in shown],
    )
    for row in behind["outside"]:
        console.say(f"分母 {row['figure_code']} {row['figure_value']}（{row['published_month'] or '年鉴'}）")
    console.say(f"背后的到达批次 {len(behind['loads'])} 个，口径版本 {behind['definition_version']}")
    for row in behind["loads"][:limit]:
        console.say(f"  {row['load_id']}  {row.get('loaded_at', '')}")


def _cell(value: Any) -> Any:
    return {True: "是", False: "否"}[value] if isinstance(value, bool) else "不明" if value is None else value
