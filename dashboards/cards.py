"""Large figures side by side: value, target and gap, numerator and denominator, each in one cell of a table.

Superset's own big numbers know no target. A cell is text with inline styles; the table shows it as such. Reads
`board_attainments`: January to the month, held against the plan that is chosen.
"""

from dashboards import marts
from dashboards.declared import Language

DATASET = "board_attainments"
_WORDS = {
    "zh": {
        "none": "无业务",
        "target": "目标 ",
        "no_target": "本方案无此目标",
        "above": "，超 ",
        "below": "，差 ",
        "points": " 个百分点",
        "month": "当月 ",
        "place": "，第 ",
    },
    "en": {
        "none": "No cases",
        "target": "target ",
        "no_target": "no target in this plan",
        "above": ", above by ",
        "below": ", short by ",
        "points": " points",
        "month": "month ",
        "place": ", place ",
    },
}


def title(code: str, language: Language) -> str:
    """What the card of a metric is called."""
    return marts.definitions()[code]["name"] if language == "zh" else marts.in_english(code)


def sql(code: str, language: Language) -> str:
    """The aggregate that gives the card of a metric, for a group in which it has one row."""
    words = _WORDS[language]
    colour = "case when is_met then '#2e8b57' when not is_met then '#c8342b' else '#5b6b7c' end"
    value = (
        f"case when coalesce(denominator, 0) = 0 then '{words['none']}' "
        "else format('{:.2f} %', 100.0 * numerator / denominator) end"
    )
    target = (
        f"case when target_value is null then '{words['no_target']}' "
        f"when gap_points is null then concat('{words['target']}', format('{{:.0f}} %', target_value * 1.0)) "
        f"else concat('{words['target']}', format('{{:.0f}} %', target_value * 1.0), "
        f"case when gap_points >= 0 then '{words['above']}' else '{words['below']}' end, "
        f"format('{{:.2f}}', abs(gap_points)), '{words['points']}') end"
    )
    counts = (
        "concat(format('{:,}', numerator), ' / ', format('{:,}', denominator), ' ', "
        + ("counted" if language == "zh" else "''")
        + ")"
    )
    card = (
        f"concat('<div style=\"font-size:28px;line-height:1.3;font-weight:600;white-space:nowrap;color:', "
        f"{colour}, '\">', "
        f"{value}, '</div><div style=\"white-space:nowrap\">', {target}, "
        f"'</div><div style=\"opacity:0.65;white-space:nowrap\">', {counts}, '</div>')"
    )
    return f"coalesce(max(case when metric_code = '{code}' then {card} end), '{words['none']}')"
