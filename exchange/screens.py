"""The status screen and the trace as people read them on the terminal."""

from datetime import datetime
from typing import Any

from exchange.reading import STATES
from exchange.report_screens import show_duty
from wangting import console
from wangting.figures import NOTHING, rate

_LANES = {"exchange": "交换", "warehouse": "数仓"}
_BUILD_STATES = {"passed": "通过", "failed": "未通过", "running": "进行中"}
_OUTCOMES = {"passed": "通过", "warned": "提示", "held": "未过", "unchecked": "未能校验"}
_RECEIPTS = {0: "成功", 1: "校验失败", 2: "缺少文件", 3: "异常", 4: "验证失败", None: "没有回执"}


def _at(moment: datetime | None) -> str:
    return f"{moment:%m-%d %H:%M:%S}" if moment else "—"


def _share(numerator: float | None, denominator: float | None) -> str:
    return f"{100 * numerator / denominator:.2f}%" if numerator is not None and denominator else "—"


def show_status(data: dict[str, Any]) -> None:
    """One screen: what came in, what was built, what is on its way, and how the city stands."""
    console.say(f"{data['site']}  {data['clock']:%Y-%m-%d %H:%M}  发布版本 {data['release'] or '—'}")
    if data.get("open_to_others"):
        console.say(f"警告：{data['open_to_others'][0]} 等对他人开放；运行 wangting retention 收紧权限")
    console.table(
        "来源",
        ["系统", "表", "批次", "行", "最近到达", "问题"],
        [
            [
                row["title"],
                row["tables"],
                row["loads"],
                f"{row['rows']:,}",
                _at(row["last_loaded_at"]),
                row["error"],
            ]
            for row in data["sources"]
        ],
        right={1, 2, 3},
    )
    for row in data["builds"]:
        console.say(
            f"构建 {_LANES.get(row['lane'], row['lane'])}：第 {row['builds']} 次，{_BUILD_STATES[row['state']]}，"
            f"{_at(row['started_at'])}，{row['seconds']} 秒"
        )
    batches = data["batches"]
    console.say(
        f"批次 {batches['count']} 个，记录 {batches['rows']:,} 条：通过 {batches['passed']:,}，"
        f"提示 {batches['warned']:,}，"
        f"未过 {batches['held']:,}，未能校验 {batches['unchecked']:,}"
        + (f"；待校验或入队 {len(batches['waiting'])} 个" if batches["waiting"] else "")
    )
    if batches.get("documents"):
        console.say(f"最近一批有问题的校验结果页面：{batches['documents']}")
    for row in data.get("receivers", ()):
        if row["state"] != "closed":
            console.say(
                f"接收方 {row['receiver']} {row['title']}：自 {_at(row['opened_at'])} 起没有应答（{row['reason']}），"
                f"{_at(row['probe_at'])} 之后先试一条"
            )
    if data["held"]:
        console.table(
            "未过校验（现在）",
            ["规则", "名称", "上线后", "上线前"],
            [[row["rule"], row["title"], row["live"], row["backfill"]] for row in data["held"]],
            right={2, 3},
        )
    if data["outbox"]:
        console.table(
            "发件箱",
            ["记录", *STATES.values()],
            [[row["title"], *(f"{row[state]:,}" for state in STATES)] for row in data["outbox"]],
            right=set(range(1, len(STATES) + 1)),
        )
    _show_deadline(data["deadline"])
    show_duty(data["duty"])
    _show_metrics(data["metrics"])


def _show_deadline(row: dict[str, Any]) -> None:
    console.say(
        f"12 小时：到期 {row['due']:,}，其中按时 {row['on_time']:,}（{_share(row['on_time'], row['due'])}），"
        f"迟到 {row['late_acknowledged']:,}，到期未确认 {row['late_unsent']:,}；"
        f"未到期 {row['not_due']:,}（已确认 {row['not_due_acknowledged']:,}，"
        f"4 小时内将到期 {row['late_within_4_hours']:,}）；"
        f"无业务时间 {row['without_clock']:,}；上线前 {row['backfill']:,}（不计）"
    )


def _show_metrics(rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    scopes = {"city": "全市", "level": "层级"}
    console.table(
        f"指标与目标（{rows[0]['period']} 累计）",
        ["指标", "口径", "范围", "分子/分母", "实际", "目标", "差（点）", "达标", "依据"],
        [
            [
                row["metric_name"] or row["metric_code"],
                row["variant"],
                row["plan_level_name"] or scopes.get(row["scope_kind"], row["scope_code"]),
                *_figure(row),
                "—"
                if row["target_value"] is None
                else f"{row['comparator']} {row['target_value'].normalize():f} %",
                "—" if row["gap_points"] is None else f"{row['gap_points']:+.2f}",
                "—"
                if row["target_value"] is None
                else {True: "是", False: "否", None: NOTHING}[row["is_met"]],
                row["clause"],
            ]
            for row in rows
        ],
        right={3, 4, 6},
    )


def _figure(row: dict[str, Any]) -> tuple[str, str]:
    """The counts and the value; a number of cases has no denominator and is its own value."""
    if row["denominator"] is None:
        return "—", f"{row['numerator']:,}"
    return f"{row['numerator']}/{row['denominator']}", rate(row["numerator"], row["denominator"])


def show_trace(found: dict[str, Any]) -> None:
    """One case, stop by stop; the fields themselves, masked, are in the JSON."""
    console.say(f"办件 {found['case_no']}")
    console.table(
        "落地",
        ["系统", "表", "落地时间", "载入批次", "键与时间"],
        [
            [
                row["source_title"],
                row["table_title"],
                _at(row["loaded_at"]),
                row["load_id"],
                _pairs(row["values"]),
            ]
            for row in found["landing"]
        ],
    )
    console.table(
        "批次",
        ["批次", "记录", "记录键", "版本", "业务时间", "到达", "字段"],
        [
            [
                row["batch_id"],
                row["title"] + ("（重新校验）" if row["is_represented"] else ""),
                row["record_key"],
                row["version"],
                _at(row["business_time"]),
                _at(row["arrived_at"]),
                "已按留存期清除" if row["is_reduced"] else len(row["fields"]),
            ]
            for row in found["batches"]
        ],
        right={3, 6},
    )
    console.table(
        "校验",
        ["批次", "记录", "版本", "结论", "发现"],
        [
            [
                row["batch_id"],
                row["title"],
                row["version"],
                _OUTCOMES.get(row["outcome"], row["outcome"]),
                "；".join(map(_finding, row["findings"])),
            ]
            for row in found["verdicts"]
        ],
    )
    console.table(
        "发件箱",
        ["记录", "版本", "状态", "次数", "起算", "应达", "确认", "回执"],
        [
            [
                row["record"],
                row["version"],
                STATES[row["state"]] + (f"（{row['rules']}）" if row["rules"] else ""),
                row["attempts"],
                _at(row["clock_at"]),
                _at(row["due_at"]),
                _at(row["acked_at"]),
                row["receipt_no"] or row["receipt_text"],
            ]
            for row in found["outbox"]
        ],
    )
    console.table(
        "回执",
        ["时间", "记录", "版本", "第几次", "回执", "编号", "说明"],
        [
            [
                _at(row["received_at"]),
                row["record"],
                row["version"],
                row["attempt"],
                _RECEIPTS.get(row["code"], row["code"]),
                row["receipt_no"],
                row["text"],
            ]
            for row in found["receipts"]
        ],
    )
    console.table(
        "省平台所存",
        ["记录", "版本", "收到", "回执号", "字段"],
        [
            [row["title"], row["version"], row["receivedAt"], row["receiptNo"], len(row["fields"])]
            for row in found["province"]
        ],
    )
    if "province_note" in found:
        console.say(f"省平台没有应答：{found['province_note']}")
    for row in found["case"]:
        known = [[name, value] for name, value in row.items() if value is not None]
        console.table("办件表（当前发布）", ["列", "值"], known)


def _pairs(values: dict[str, Any]) -> str:
    return "  ".join(f"{name}={value}" for name, value in values.items() if value is not None)


def _finding(row: dict[str, Any]) -> str:
    return " ".join(part for part in (row["rule_id"], row["field"], row["masked_value"]) if part)
