"""What an HTTP answer says: a receipt only when it says so completely and of this very record."""

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from exchange.receivers.names import Names
from exchange.receivers.protocol import Answer

if TYPE_CHECKING:
    from exchange.messages import Message

# What the bus (共享平台总线) answers for itself, before or instead of the province.
BUS_UNWELCOME = {
    10: "版本错", 20: "时间戳格式错", 30: "非法平台", 40: "非法账号", 50: "非法 IP", 60: "未授权",
}  # fmt: skip
BUS_REFUSED = {70: "缺必填", 80: "超长"}
_LONGEST = 2_000  # characters of a receiver's own text that are kept

Scrub = Callable[[str], str]


class BusUnwelcomeError(Exception):
    """The bus does not take us at all; the text says why."""


def parsed(content: bytes) -> Any:
    """The answer's JSON; None where it is none."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def receipt(
    status: int, found: Any, message: "Message", names: Names, scrub: Scrub, *, via_bus: bool
) -> Answer:
    """One answer about one message; anything but its complete receipt may be tried again.

    Args:
        found: the answer's JSON.
        scrub: takes what is secret out of a text.
        via_bus: the sharing platform stands between, so its own codes may come.

    Raises:
        BusUnwelcomeError: the bus does not take us.
    """
    if not isinstance(found, dict) or type(found.get("code")) is not int:
        return Answer("failure", text=f"应答不是回执（HTTP {status}）")
    code: int = found["code"]
    reasons = found.get("reasonList") or []
    if not isinstance(reasons, list):
        reasons = [reasons]
    said = "；".join(str(reason) for reason in reasons)
    text = scrub("：".join(part for part in (str(found.get("desc") or ""), said) if part))[:_LONGEST]
    if via_bus and code >= 10:
        return _of_the_bus(code, text)
    if code not in (0, 1, 2, 3, 4):
        return Answer("failure", text=f"应答不是回执（HTTP {status}）")
    if not _is_of(found, message, names):
        return Answer("failure", text="回执属于另一条记录，不作数")
    number = found.get("receiptNo")
    if code == 0 and not number:
        return Answer("failure", text="成功回执没有回执号")
    return Answer("receipt", code, str(number)[:200] if number else None, text or None)


def _of_the_bus(code: int, text: str) -> Answer:
    if code in BUS_UNWELCOME:
        raise BusUnwelcomeError(f"总线回执 {code} {BUS_UNWELCOME[code]}")
    if code in BUS_REFUSED:
        # A record that the bus refuses needs a correction, as one that the province refuses.
        return Answer(
            "receipt", 1, None, f"总线回执 {code} {BUS_REFUSED[code]}" + (f"：{text}" if text else "")
        )
    kind = "总线内部错" if 100 <= code <= 199 else "不认识的总线回执"
    return Answer("failure", text=f"{kind} {code}" + (f"：{text}" if text else ""))


def _is_of(found: dict[str, Any], message: "Message", names: Names) -> bool:
    """Whether what the receipt names is the record sent; an older receiver names nothing, or only a part."""
    for name, sent in (
        ("tableName", names.record),
        ("identify", message.record_key),
        ("version", str(message.version)),
        ("sblsh", message.case_no),
    ):
        said = found.get(name)
        if said is not None and said != "" and str(said) != sent:
            return False
    return True


def receipts(
    status: int, found: Any, messages: "Sequence[Message]", names: Names, scrub: Scrub, *, via_bus: bool
) -> list[Answer]:
    """One answer about several messages, a receipt each; what has none may be tried again.

    Receipts that name their records are matched by that, in any order; those that name none are taken in the order of
    the messages, and only when there are as many.

    Raises:
        BusUnwelcomeError: the bus does not take us.
    """
    several = found.get("data") if isinstance(found, dict) else found
    if not isinstance(several, list):
        # One answer for all: a refusal of the bus, or of the request as a whole; never a receipt of each.
        one = receipt(status, found, messages[0], names, scrub, via_bus=via_bus)
        if one.kind == "receipt" and len(messages) > 1:
            one = Answer("failure", text=f"应答不是逐条回执（{one.text or f'HTTP {status}'}）")
        return [one] * len(messages)
    named: dict[tuple[str, str], Any] = {}
    unnamed: list[Any] = []
    for each in several:
        if isinstance(each, dict) and each.get("identify"):
            named.setdefault((str(each["identify"]), str(each.get("version") or "")), each)
        else:
            unnamed.append(each)
    in_order = unnamed if not named and len(unnamed) == len(messages) else None
    answers = []
    for position, message in enumerate(messages):
        mine = (
            in_order[position]
            if in_order is not None
            else named.get((message.record_key, str(message.version)), named.get((message.record_key, "")))
        )
        if mine is None:
            answers.append(Answer("failure", text="应答中没有这条记录的回执"))
        else:
            answers.append(receipt(status, mine, message, names, scrub, via_bus=via_bus))
    return answers
