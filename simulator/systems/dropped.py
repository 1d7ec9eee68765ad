"""Which systems put files into a folder? Payments' settlements, the population register, the reference figures."""

from simulator.systems import registers
from simulator.systems.stores import Drop
from simulator.systems.tables import Table

# What was paid by the day of joining comes in one file; then a file a day, some lines a day late, refunds later.
_PAYMENTS = """
    with paid as (
        select 'ZF' || c.sblsh as 流水号, c.sblsh as 申办流水号,
            ['支付宝', '微信'][1 + pick('pays by', c.case_id, 2)] as 支付方式,
            50.00::decimal(16, 2) as 金额, c.at_bj as 支付时间, c.case_id
        from plan c where c.at_bj is not null and c.case_id % 9 = 0 and c.channel = 1),
    settled as (
        select *, 1 as edition, 支付时间::date + to_days((1 + (pick('settled late', case_id, 20) = 0)::integer)) as day
        from paid
        union all
        select *, 2, 支付时间::date + to_days((4 + pick('refunded', case_id, 20))::integer)
        from paid where pick('refund', case_id, 25) = 0)
    select 流水号, 申办流水号, 支付方式, 金额, 支付时间, case edition when 1 then '已支付' else '已退款' end as 状态,
        greatest(day::timestamp, timestamp '2017-11-30' + to_days((edition - 1)::integer)) + interval 6 hour as seen_at,
        null::timestamp as gone_at
    from settled"""


def _enterprise_counts(until: str) -> str:
    return f"""
        with months as (
            select unnest(range(date '2017-01-01', {until}::date, interval 1 month))::date as month),
        counted as (
            select month, code as region, 1.0 / (2 + place) as share,
                greatest((month + interval 1 month + interval 9 day)::timestamp, timestamp '2017-11-10')
                    + interval 9 hour as seen_at
            from months, areas)
        select strftime(month, '%Y-%m') as 年月, region as 区划,
            ((select count(*) from firms where kind = '企业') * share
                + datediff('month', date '2017-01-01', month) * 37 * share)::bigint as 企业数, '省工商局' as 来源,
            seen_at, null::timestamp as gone_at
        from counted where seen_at <= {until}"""


def _yearbook(until: str) -> str:
    return f"""
        -- the yearbook names the counties of its year
        select 2010 as 年份, figure as 指标,
            case code when '445103' then '445121' when '441403' then '441421' else code end as 区划,
            ((select count(*) from persons) / (2 + place)
                * case figure when '常住人口' then 1 when '城镇人口' then 0.63 else 0.49 end)::bigint as 数值,
            '人' as 单位, timestamp '2017-11-10 09:00:00' as seen_at, null::timestamp as gone_at
        from areas, unnest(['常住人口', '城镇人口', '20—49岁常住人口']) figures(figure)
        where timestamp '2017-11-10 09:00:00' <= {until}"""


DROPS = (
    Drop(
        Table("payments", "settlements", ("流水号",), of_cases=_PAYMENTS),
        "settlement_{0:%Y%m%d}.csv",
        "gb18030",
    ),
    Drop(registers.PERSONS, "population_full_{0:%Y%m%d}.csv"),
    Drop(registers.PERSON_CHANGES, "population_change_{0:%Y%m%d}.csv"),
    Drop(
        Table("reference_figures", "enterprise_counts", ("年月", "区划"), _enterprise_counts),
        "enterprises_{0:%Y%m%d}.csv",
        "utf-8-sig",
    ),
    Drop(
        Table("reference_figures", "yearbook_2010", ("年份", "指标", "区划"), _yearbook),
        "yearbook_2010_{0:%Y%m%d}.csv",
        "utf-8-sig",
    ),
)
