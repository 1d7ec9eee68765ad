"""The 12-hour ledger, the reconciliation and the alarms as people read them on the terminal."""

from datetime import datetime
from typing import Any

from wangting import console

OWNERS = {"source": "来源", "ours": "本级", "province": "省平台"}
KINDS = {
    "overdue": "临近或超过 12 小时",
    "silent_source": "系统沉默",
    "unchecked": "规则未能执行",
    "receiver": "接收方没有应答",
    "unreconciled": "对账不一致",
}
_REASONS = {
    "HELD": "校验未过", "unchecked": "未能校验", "REJECTED": "被退回", "NEW": "待发", "BLOCKED": "等申办",
    "SENT": "已发待回执", "RETRY": "待重发", "SUPERSEDED": "等更正版本", "unjudged": "待校验或入队",
}  # fmt: skip
_TITLES = {"system": "系统", "department": "部门", "stage": "环节", "day": "日"}
_SHOWN = 60  # rows a table on the screen; `--json` gives all


def _at(moment: datetime | None) -> str:
    return f"{moment:%m-%d %H:%M}" if moment else "—"


def _hours(seconds: float | None) -> str:
    return "—" if seconds is None else f"{seconds / 3600:.1f}"


def share(row: dict[str, Any]) -> str:
    """The share on time, or a dash where nothing is due."""
    return "—" if row["share"] is None else f"{100 * row['share']:.2f}%"


def hours_left(counts: dict[str, int]) -> str:
    """One line: how many in flight have how much time left."""
    return (
        f"在途剩余：1 小时内 {counts['within_1']:,}，2 小时内 {counts['within_2']:,}，"
        f"4 小时内 {counts['within_4']:,}，共 {counts['within_12']:,}"
    )


def show_timeliness(found: dict[str, Any]) -> None:
    """The figures, the groups asked for, the latest and the most urgent, and who is silent."""
    total = found["total"]
    console.say(
        f"截至 {found['as_of']:%Y-%m-%d %H:%M}" + (f"，起算日 {found['period']}" if found["period"] else "")
    )
    console.say(
        f"  {share(total)}（按时 {total['on_time']:,} / 到期 {total['due']:,}）；迟到 {total['late_acknowledged']:,}，"
        f"到期未确认 {total['late_unsent']:,}；"
        f"未到期 {total['not_due']:,}（已确认 {total['not_due_acknowledged']:,}）；"
        f"无业务时间 {total['without_clock']:,}；上线前 {total['backfill']:,}（不计）",
        bold="12 小时按时率",
    )
    console.say(
        "延误责任（迟到的，按最长的一段）："
        + "，".join(f"{title} {total[f'late_{owner}']:,}" for owner, title in OWNERS.items())
    )
    console.say(hours_left(found["hours_left"]))
    if found["groups"]:
        _show_groups(found)
    for name, title in (("worst", "最迟"), ("urgent", "最急（在途）")):
        if found[name]:
            _show_records(title, found[name])
    console.table(
        "各系统最近到达",
        ["系统", "最近到达", "沉默（工作小时）", "限", "状态"],
        [
            [
                row["title"],
                _at(row["last_arrival_at"]),
                "—" if row["working_hours"] is None else f"{row['working_hours']:.1f}",
                row["limit_hours"],
                "沉默" if row["is_silent"] else "正常",
            ]
            for row in found["silent"]
        ],
        right={2, 3},
    )


def _show_groups(found: dict[str, Any]) -> None:
    groups = found["groups"]
    console.table(
        f"分组（共 {len(groups)} 组，列出 {min(len(groups), _SHOWN)}）",
        [
            *(_TITLES[name] for name in found["by"]),
            "按时率",
            "按时",
            "到期",
            "迟到",
            "未确认",
            *OWNERS.values(),
            "无时间",
            "上线前",
        ],
        [
            [
                *(row.get(f"{name}_title", row[name]) for name in found["by"]),
                share(row),
                f"{row['on_time']:,}",
                f"{row['due']:,}",
                f"{row['late_acknowledged']:,}",
                f"{row['late_unsent']:,}",
                *(f"{row[f'late_{owner}']:,}" for owner in OWNERS),
                f"{row['without_clock']:,}",
                f"{row['backfill']:,}",
            ]
            for row in groups[:_SHOWN]
        ],
        right=set(range(len(found["by"]), len(found["by"]) + 10)),
    )


def _show_records(title: str, rows: list[dict[str, Any]]) -> None:
    console.table(
        title,
        [
            "记录",
            "申办流水号",
            "部门",
            "业务时间",
            "到达",
            "首发",
            "确认",
            "历时",
            *OWNERS.values(),
            "责任",
            "剩余",
        ],
        [
            [
                row["record"].removeprefix("EX_GDBS_")
                + (f" v{row['version']}" if row["version"] > 1 else ""),
                row["case_no"],
                row["unit_name"],
                _at(row["business_time"] or row["clock_at"]),
                _at(row["arrived_at"]),
                _at(row["first_sent_at"]),
                _at(row["acked_at"]),
                _hours(row["delay_seconds"]),
                *(_hours(row[f"{owner}_seconds"]) for owner in OWNERS),
                OWNERS.get(row["decisive"], ""),
                _hours(row["seconds_left"]),
            ]
            for row in rows
        ],
        right={7, 8, 9, 10, 12},
    )


def show_reconciliation(row: dict[str, Any]) -> None:
    """The stops beside each other, summed by day and record type, and what is missing between two of them."""
    stops = ("declared", "landed", "cut", "acknowledged", "read_back")
    summed: dict[tuple[Any, ...], dict[str, int | None]] = {}
    for day in row["days"]:
        entry = summed.setdefault((day["day"], day["source_title"], day["record"]), dict.fromkeys(stops))
        for stop in stops:
            if day[stop] is not None:
                entry[stop] = (entry[stop] or 0) + day[stop]
    lines = [
        [*name, *("—" if entry[stop] is None else entry[stop] for stop in stops)]
        for name, entry in summed.items()
    ]
    console.table(
        f"对账（业务日；共 {len(lines)} 行，列出最后 {min(len(lines), _SHOWN)}，--json 分到部门）",
        ["日期", "系统", "记录类型", "申报", "落地", "切批", "已确认", "读回"],
        lines[-_SHOWN:],
        right=set(range(3, 8)),
    )
    if row["undeclared"]:
        console.table(
            f"申报数与落地数不符（{len(row['undeclared'])} 处；只有数量，请来源单位核对当日清单）",
            ["日期", "系统", "部门", "记录类型", "申报", "落地"],
            [
                [
                    each["day"],
                    each["source_title"],
                    each["unit_code"],
                    each["record"],
                    each["declared"],
                    each["landed"],
                ]
                for each in row["undeclared"][:_SHOWN]
            ],
            right={4, 5},
        )
    if row["unkeyed"]:
        console.table(
            "没有申办流水号的行（无法报送，请来源单位补齐）",
            ["日期", "系统", "记录类型", "行"],
            [list(each.values()) for each in row["unkeyed"][:_SHOWN]],
            right={3},
        )
    _show_missing(row)
    if row["waiting_count"]:
        console.say(f"上线前待报 {row['waiting_count']:,} 条（wangting push --backfill）")
    if row["agrees"]:
        console.say("各站一致，没有缺少的记录")
    elif row["lost_count"]:
        console.say(
            f"已列为待重发 {row['repaired']:,} 条，下次推送时发出"
            if row["repaired"]
            else "用 wangting reconcile --repair 把省平台丢失的记录列为待重发"
        )


def _show_missing(row: dict[str, Any]) -> None:
    for name, title in (
        ("not_cut", "已落地而未切批"),
        ("not_acknowledged", "已切批而未确认"),
        ("lost", "台账已确认而省平台没有"),
        ("unknown", "省平台有而台账未确认"),
    ):
        if row[f"{name}_count"]:
            shown = row[name][:_SHOWN]
            console.table(
                f"{title}（{row[f'{name}_count']:,} 条，列出 {len(shown):,} 条）",
                ["记录类型", "记录键", "申办流水号", "版本", "原因"],
                [
                    [
                        each["record"],
                        each["record_key"],
                        each["case_no"],
                        each.get("version"),
                        " ".join(filter(None, (_REASONS.get(each.get("reason", ""), ""), each.get("rules")))),
                    ]
                    for each in shown
                ],
            )


def show_duty(duty: dict[str, Any]) -> None:
    """The lines of the status screen: on time by system, time left, receivers that are away, alarms."""
    systems = [
        f"{row['title']} {share(row)}（{row['on_time']:,}/{row['due']:,}）" for row in duty["by_system"]
    ]
    if systems:
        console.say(f"各系统按时率：{'；'.join(systems)}")
    console.say(hours_left(duty["hours_left"]))
    for row in duty["receivers"]:
        if row["state"] != "closed":
            console.say(
                f"{row['receiver']} {row['title']}：自 {_at(row['opened_at'])}，{row['reason']}；"
                f"{_at(row['probe_at'])} 之后再试",
                bold="接收方 ",
            )
    if duty["alarms"]:
        kinds = dict.fromkeys(row["kind"] for row in duty["alarms"])
        counts = {kind: sum(row["kind"] == kind for row in duty["alarms"]) for kind in kinds}
        said = "，".join(f"{KINDS.get(kind, kind)} {count}" for kind, count in counts.items())
        console.say(f"{said}（wangting alarms）", bold="警报 ")


def show_alarms(found: dict[str, Any]) -> None:
    """What is open, and what each channel was just told."""
    if found["alarms"]:
        console.table(
            f"未解除的警报（{len(found['alarms'])}）",
            ["自", "种类", "说明", "处理", "已通知"],
            [
                [
                    _at(row["raised_at"]),
                    KINDS.get(row["kind"], row["kind"]),
                    row["text"],
                    row["mend"],
                    _at(row["told_at"]),
                ]
                for row in found["alarms"]
            ],
        )
    else:
        console.say("没有未解除的警报")
    for told in found["told"]:
        title = {"webhook": "推送地址", "mail": "邮箱"}[told["channel"]]
        console.say(
            f"{title}：{told['error']}"
            if told["error"]
            else f"{title}：新 {told['new']}，再次 {told['again']}，解除 {told['over']}"
        )
