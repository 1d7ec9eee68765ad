"""What happens to each case: who applies for what, when, by which way, and how it ends.

A plan is a dictionary of numpy arrays, one element a case. `at` is a matrix of business times, one column a stage
(`SLOTS`, in the order in which the stages follow each other), `seen` the time at which the record of that stage
becomes visible in its source; both in local seconds, `NONE` where the stage does not exist. Randomness comes from
(seed, day) only, so that a day is the same whenever it is generated.
"""

from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator import carriers, workdays
from simulator.carriers import BUREAU, PAPER, PLATFORM, TOWN, VILLAGE
from simulator.draws import HOUR, MINUTE, Day, Draws, exponential, ranks, spread_out
from simulator.items import Catalogue
from simulator.workdays import DAY, Seconds, add_working_time

Flags = NDArray[np.bool_]
Plan = dict[str, NDArray[Any]]

SLOTS = (
    "sb",
    "wsysl",
    "bjgz1",
    "bjsl1",
    "sl",
    "bjgz2",
    "bjsl2",
    "sp1",
    "tbsq",
    "tbjg",
    "sp2",
    "sp3",
    "bj",
    "lqdj",
)
SB, WSYSL, BJGZ1, BJSL1, SL, BJGZ2, BJSL2, SP1, TBSQ, TBJG, SP2, SP3, BJ, LQDJ = range(len(SLOTS))
NONE = -1
WINDOW, ONLINE, EXPRESS = 0, 1, 8


def _choose(weights: NDArray[np.float64], draw: NDArray[np.float64]) -> NDArray[np.int64]:
    cumulative = np.cumsum(weights)
    place = np.searchsorted(cumulative, draw * cumulative[-1], side="right").astype(np.int64)
    chosen: NDArray[np.int64] = np.minimum(place, len(weights) - 1)
    return chosen


def _times(day: NDArray[np.int64], evening: Flags, online: Flags, draws: Draws) -> Seconds:
    """The moment of the application: windows in working hours with two peaks, online around the clock."""
    hour, second = draws["hour"], draws["second"]
    half = hour < 0.56
    morning = workdays.MORNING + np.sqrt(hour / 0.56) * 0.5 * 12_600 + second * 0.5 * 12_600
    afternoon = workdays.AFTERNOON + (hour - 0.56) / 0.44 * 5_400 + second * 5_000
    window = np.where(half, np.minimum(morning, workdays.NOON - 1), afternoon)
    by_day = 7 * HOUR + (0.55 * hour + 0.45 * second) * (11 * HOUR - 2)
    of_day = np.where(evening, 18 * HOUR + 1 + second * (5.8 * HOUR), np.where(online, by_day, window))
    times: Seconds = day * DAY + of_day.astype(np.int64)
    return times


def draw_plan(
    catalogue: Catalogue,
    seed: int,
    days: list[Day],
    people: tuple[int, int],
    spreadsheet_share: float,
    spreadsheets_from: int,
    has_faults: bool,
) -> tuple[Plan, Draws]:
    """The plan of the cases applied for on `days`, follow-ups of forwarded cases included; of the faults only those
    that lie between cases (where `has_faults`)."""
    from simulator import together  # which speaks of plans itself

    draws = Draws(seed, days)
    day = np.repeat(np.array([d.number for d in days], dtype=np.int64), [d.count for d in days])
    rank = np.concatenate([np.arange(d.count) for d in days]) if days else np.zeros(0, np.int64)
    evening = (
        np.concatenate([np.arange(d.count) >= d.until_evening for d in days]) if days else np.zeros(0, bool)
    )
    forwarded = (
        np.concatenate([np.arange(d.count) < d.forwarded for d in days]) if days else np.zeros(0, bool)
    )
    online_only = evening | ~workdays.is_working(day)
    item = np.where(
        online_only,
        _choose(catalogue.weight * catalogue.online_share, draws["item"]),
        _choose(catalogue.weight, draws["item"]),
    )
    closed = (day < catalogue.item_from[item]) | (day >= catalogue.item_to[item])
    item = np.where(closed, catalogue.fallback[item], item)
    item = np.where(online_only & ~catalogue.is_online[item], catalogue.online_fallback[item], item)
    forwardable = np.where(catalogue.is_forwardable, catalogue.weight, 0.0)
    item = np.where(forwarded, _choose(forwardable, draws["item"]), item)
    rising = (day - workdays.day_number(date(2017, 7, 1))) / 365 * 0.12
    share = np.clip(catalogue.online_share[item] + np.where(catalogue.is_online[item], rising, 0.0), 0, 0.98)
    share = np.where(catalogue.is_online[item], share, 0.0)
    channel = np.where(
        online_only | (draws["channel"] < share), ONLINE, np.where(draws["channel"] > 0.975, EXPRESS, WINDOW)
    )
    channel = np.where(online_only & forwarded, ONLINE, channel)
    source = catalogue.carrier[item]
    paper = catalogue.is_spreadsheet_town[item] & (channel != ONLINE) & (day >= spreadsheets_from)
    source = np.where(paper & (draws["source"] < spreadsheet_share), TOWN, source)
    in_village = catalogue.is_village_town[item] & (channel != ONLINE) & (day >= carriers.VILLAGES_FROM)
    source = np.where(in_village, VILLAGE, source)
    applicant = np.where(
        forwarded | (draws["applicant"] < catalogue.person_share[item]),
        1,
        np.where((draws["contact"] < 0.06) & ~np.isin(source, PAPER), 9, 2),
    )
    persons, firms = people
    usual = persons - persons // 10
    offset = day * 7_919
    pid = (offset * 13 + rank * 7) % usual
    reserve = usual + (day * 97 + rank) % (persons - usual)
    plan: Plan = {
        "case_id": (day - workdays.day_number(workdays.FIRST)) * 100_000 + rank,
        "day": day,
        "item": item,
        "channel": channel,
        "source": source,
        "applicant": applicant,
        "pid": np.where(forwarded, reserve, pid),
        "eid": (offset * 29 + rank * 11) % firms,
        "draw_row": np.arange(len(day)),
        "origin_id": np.full(len(day), NONE, dtype=np.int64),
        "at": np.full((len(day), len(SLOTS)), NONE, dtype=np.int64),
    }
    together.lay(plan, days, catalogue, ~online_only & ~forwarded & has_faults)
    item, source, unit = plan["item"], plan["source"], catalogue.unit[plan["item"]]
    applied = spread_out(_times(day, evening, plan["channel"] == ONLINE, draws), unit, -1)
    paper = np.isin(source, PAPER)  # spreadsheets know minutes only
    applied[paper] = spread_out(applied[paper] // MINUTE * MINUTE, unit[paper], -MINUTE)
    plan["at"][:, SB] = together.enter_at_once(plan, applied, unit)
    # Somebody else, so that the contact of a firm is not the applicant of another case of the same day.
    plan["cid"] = (plan["pid"] + 1 + persons // 3) % persons
    _run(plan, draws, catalogue, forwarded)
    _follow_up(plan, draws, catalogue, np.flatnonzero(forwarded))
    return plan, draws


def _run(plan: Plan, draws: Draws, catalogue: Catalogue, forwarded: Flags) -> None:
    """Fill in every stage after the application."""
    at, item, source = plan["at"], plan["item"], plan["source"]
    applied = at[:, SB]
    online = plan["channel"] == ONLINE
    immediate = catalogue.is_immediate[item]
    platform = source == PLATFORM
    supplemented = np.isin(source, carriers.TAKES_SUPPLEMENTS)
    plain = ~forwarded

    pre_end = add_working_time(applied, exponential(draws["pre_wait"], 1.2 * HOUR, 11 * HOUR) + 90)
    status = np.where(draws["pre"] < 0.93, 1, np.where((draws["pre"] < 0.955) & plain, 2, 1))
    supplement = supplemented & plain & (status == 1) & (draws["sup"] < np.where(online, 0.05, 0.02))
    status = np.where(supplement & online, 3, status)
    at[:, WSYSL] = np.where(online, pre_end, NONE)
    turned_away = online & (status == 2)
    ready = np.where(online, pre_end, applied)
    notice = add_working_time(ready, np.full(len(item), 120))
    at[:, BJGZ1] = np.where(supplement, notice, NONE)
    handed_in = add_working_time(
        notice,
        exponential(draws["sup_wait"], 2.5 * workdays.WORKING_SECONDS, 9 * workdays.WORKING_SECONDS) + HOUR,
    )
    never_before = supplement & (draws["never"] < 0.15)
    at[:, BJSL1] = np.where(supplement & ~never_before, handed_in, NONE)
    ready = np.where(supplement, handed_in, ready)
    wait = np.where(
        immediate,
        60 + draws["accept_wait"] * 1_500,
        exponential(draws["accept_wait"], 1.5 * HOUR, 12 * HOUR) + 240,
    ).astype(np.int64)
    accepted = add_working_time(ready, wait)
    reaches = ~turned_away & ~never_before
    at[:, SL] = np.where(reaches, accepted, NONE)
    refused = reaches & plain & (draws["refuse"] < 0.015)
    goes_on = reaches & ~refused

    supplement2 = goes_on & plain & supplemented & ~immediate & ~supplement & (draws["sup2"] < 0.025)
    notice2 = add_working_time(accepted, np.full(len(item), 1_800))
    handed2 = add_working_time(
        notice2,
        exponential(draws["sup2_wait"], 3 * workdays.WORKING_SECONDS, 10 * workdays.WORKING_SECONDS) + HOUR,
    )
    never_after = supplement2 & (draws["never"] < 0.12)
    at[:, BJGZ2] = np.where(supplement2, notice2, NONE)
    at[:, BJSL2] = np.where(supplement2 & ~never_after, handed2, NONE)
    base = np.where(supplement2, handed2, accepted)

    days = np.where(forwarded, 2, catalogue.promised[item])
    draw = draws["duration"]
    ratio = np.where(draw < 0.965, 0.15 + 0.8 * (draw / 0.965) ** 1.3, 1.02 + (draw - 0.965) * 30)
    length = np.maximum(days * ratio * workdays.WORKING_SECONDS, 7_200)
    steps = goes_on & ~immediate & ~never_after
    first = add_working_time(base, (length * (0.12 + 0.2 * draws["spread1"])).astype(np.int64))
    at[:, SP1] = np.where(steps, first, NONE)
    special = steps & plain & np.isin(source, carriers.TAKES_SPECIAL_PROCEDURES) & (draws["tb"] < 0.02)
    start = add_working_time(first, np.full(len(item), 1_200))
    kind = np.where(draws["tb_kind"] < 0.35, 1, 2)
    lasts = (1 + draws["tb_wait"] * 9) * workdays.WORKING_SECONDS
    end = add_working_time(start, lasts.astype(np.int64))
    open_ended = special & (draws["tb_end"] < 0.1)
    at[:, TBSQ] = np.where(special, start, NONE)
    at[:, TBJG] = np.where(special & ~open_ended, end, NONE)
    base2 = np.where(special, end, first)
    steps &= ~open_ended
    rest = length * (0.35 + 0.3 * draws["spread2"])
    second = add_working_time(base2, rest.astype(np.int64))
    third = add_working_time(second, (length * (0.05 + 0.1 * draws["spread3"])).astype(np.int64) + 60)
    at[:, SP2] = np.where(steps, second, NONE)
    at[:, SP3] = np.where(steps, third, NONE)

    quick = accepted + 180 + (draws["spread1"] * 2_000).astype(np.int64)
    closing = np.where(immediate, quick, add_working_time(third, (length * 0.03).astype(np.int64) + 60))
    result = _results(plan, draws, catalogue, immediate, forwarded)
    closes = goes_on & (immediate | steps)
    closes |= refused & ~immediate & (draws["refuse_bj"] < 0.3)
    result = np.where(refused, 1, result)
    closing = np.where(refused, add_working_time(accepted, np.full(len(item), 600)), closing)
    abandoned = never_before | never_after
    late_notice = np.where(never_before, notice, notice2)
    closing = np.where(
        abandoned, add_working_time(late_notice, np.full(len(item), 15 * workdays.WORKING_SECONDS)), closing
    )
    result = np.where(abandoned, 5, result)
    closes |= abandoned
    at[:, BJ] = np.where(closes, closing, NONE)

    collects = closes & np.where(
        result == 0, draws["collect"] < 0.82, (result == 6) & (draws["collect"] < 0.06)
    )
    away = (
        exponential(draws["collect_wait"], 2 * workdays.WORKING_SECONDS, 20 * workdays.WORKING_SECONDS) + 300
    )
    collected = add_working_time(closing, away)
    at_once = immediate & (draws["collect_wait"] < 0.5)
    collected = np.where(at_once, closing + 60 + (draws["collect_wait"] * 600).astype(np.int64), collected)
    at[:, LQDJ] = np.where(collects, collected, NONE)
    way = draws["collect_way"]
    posted = np.where(online, 0.75, 0.2)
    plan["collection"] = np.where(way < posted, np.where(way < posted * 0.4, ONLINE, EXPRESS), WINDOW)
    # A few collect at the city's hall instead of their county's: another hall on the same day is another visit.
    plan["collects_elsewhere"] = (catalogue.level[item] == 1) & platform & (draws["collect_where"] < 0.04)
    plan["pre_status"] = status
    plan["is_refused"] = refused
    plan["result"] = np.where(closes, result, NONE)
    plan["is_denied_by_flag"] = (result == 7) & platform & (draws["denied"] < 0.6)
    plan["supplement_online"] = np.where(draws["sup_place"] < np.where(online, 0.6, 0.15), 1, 0)
    plan["special_kind"] = kind


def _results(
    plan: Plan, draws: Draws, catalogue: Catalogue, immediate: Flags, forwarded: Flags
) -> NDArray[np.int64]:
    """The official result code of an accepted case."""
    draw = draws["result"]
    licence = catalogue.is_licence[plan["item"]]
    bureau, town = plan["source"] == BUREAU, np.isin(plan["source"], PAPER)
    usual = np.where(licence & ~immediate, np.where(draw < 0.88, 0, 6), np.where(draw < 0.12, 0, 6))
    result = np.where(draw > 0.93, np.where(licence & ~immediate, 7, 1), usual)
    result = np.where(draw > 0.965, 1, result)
    result = np.where((draw > 0.985) & (draw <= 0.991), 2, result)
    result = np.where((draw > 0.991) & (draw <= 0.995) & ~bureau, 3, result)
    result = np.where(town, np.where(draw > 0.96, 1, 6), result)
    return np.where(forwarded, 4, result)


def _follow_up(plan: Plan, draws: Draws, catalogue: Catalogue, origins: NDArray[np.int64]) -> None:
    """Append the city's own case for each case that a county passed on; it names the first one as its origin."""
    targets = np.flatnonzero(
        catalogue.is_licence
        & catalogue.is_stable
        & (catalogue.level == 0)
        & ~catalogue.is_immediate
        & (catalogue.carrier == PLATFORM)
    )
    at = plan["at"][origins]
    starts = at[:, BJ] + 600 + (draws["spread2"][origins] * 3_000).astype(np.int64)
    ordinal = plan["case_id"][origins] % 100_000
    day = starts // DAY
    more: Plan = {name: values[origins].copy() for name, values in plan.items()}
    more["item"] = targets[(plan["day"][origins] * 31 + ordinal * 7) % len(targets)]
    more["case_id"] = (
        (plan["day"][origins] - workdays.day_number(workdays.FIRST)) * 100_000 + 90_000 + ordinal
    )
    more["origin_id"] = plan["case_id"][origins]
    more["day"] = day
    more["together"], more["group"] = np.zeros_like(day), np.full_like(day, NONE)
    more["channel"] = np.full(len(origins), WINDOW, dtype=np.int64)
    times = np.full_like(at, NONE)
    times[:, SB] = starts
    times[:, SL] = add_working_time(starts, np.full(len(origins), 900))
    length = catalogue.promised[more["item"]] * workdays.WORKING_SECONDS
    for slot, part in ((SP1, 0.2), (SP2, 0.5), (SP3, 0.6), (BJ, 0.65)):
        times[:, slot] = add_working_time(times[:, SL], (length * part).astype(np.int64) + 60 * slot)
    times[:, LQDJ] = add_working_time(times[:, BJ], np.full(len(origins), 5 * HOUR))
    more["at"] = times
    more["result"] = np.zeros(len(origins), dtype=np.int64)
    more["collection"] = np.full(len(origins), WINDOW, dtype=np.int64)
    more["collects_elsewhere"] = np.zeros(len(origins), dtype=bool)
    for name in plan:
        plan[name] = np.concatenate([plan[name], more[name]])


def number_cases(plan: Plan) -> None:
    """Give each case its daily number within (item, day); follow-ups count apart, from 9000 on."""
    follows = plan["origin_id"] != NONE
    order = plan["at"][:, SB] * 100_000 + plan["case_id"] % 100_000
    rank = ranks([plan["item"], plan["day"], follows, order])
    # A follow-up's number must not depend on what other days bring: its origin's day tells them apart.
    origin_day = plan["origin_id"] // 100_000
    plan["seq"] = np.where(follows, 9_000 + (origin_day % 99) * 10 + plan["case_id"] % 10, rank + 1)
