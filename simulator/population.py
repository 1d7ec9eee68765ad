"""Who lives and trades in the city? Persons and enterprises with valid numbers, derived from their position alone.

Two DuckDB tables: `persons` (pid, name, id_no, mobile, account_id, registered_at, real_name_level) and `firms`
(eid, kind, name, org_code, credit_code, uses_org_code, registration_no, social_name, social_org_code, social_code).
A firm is mostly an enterprise; one in sixteen is an individual household's business, one in sixty a public institution.
`registration_no` is what it was registered under before the unified code; the social organisation of the same number is
another legal person.
"""

import duckdb

SURNAMES = "陈林黄张李王吴刘蔡杨许郑谢郭洪苏曾邱沈庄柯余方翁卢魏佘廖詹温"
GIVEN = (
    "伟芳娜秀敏静丽强磊军洋勇艳杰娟涛明超霞平刚桂英华玉萍红鹏辉玲燕梅婷雪慧建国文斌宇浩凯俊峰志鑫佳欣怡晓彬"
)
_TRADES = [
    "陶瓷",
    "食品",
    "不锈钢制品",
    "服饰",
    "印刷包装",
    "电子",
    "水族器材",
    "工艺品",
    "茶业",
    "建材",
    "物流",
    "商贸",
]
_SHOP = "宏盛隆裕泰丰永恒锦瑞祥顺达通广源新兴嘉美华明凯诚信德益康佳"
_REGISTERED = "timestamp '2012-03-01 09:00:00'"


def pool_sizes(cases: int) -> tuple[int, int]:
    """How many persons and firms a city with so many cases has; more of each than a day has cases."""
    return max(40_000, min(400_000, cases // 3)), max(30_000, min(120_000, cases // 10))


def _weighted(number: str, weights: list[int]) -> str:
    """SQL: the weighted sum over the decimal digits of an integer expression, first weight to the first digit."""
    top = len(weights) - 1
    return " + ".join(f"{w} * ({number} // {10 ** (top - n)} % 10)" for n, w in enumerate(weights))


def create(
    connection: duckdb.DuckDBPyConnection, persons: int, firms: int, seed: int, city: str, division: str
) -> None:
    """Make both tables; the same sizes and seed give the same people.

    Args:
        city, division: the name and the code of the place in which the firms are registered.
    """
    surnames, given, shop = f"'{SURNAMES}'", f"'{GIVEN}'", f"'{_SHOP}'"
    id_weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]
    # Region prefixes that stood when the person was born: Chaozhou's own date from December 1991.
    # A step through all combinations of region, birthday and running number: no number twice.
    connection.execute(f"""
        create or replace table persons as
        with places as (select i as pid, (i::bigint * 7368787 + {seed % 1000} * 104729) % 109500000 as place
                        from range({persons}) t(i)),
        numbers as (select pid, place,
            case when place // 5 % 21900 >= 18993 then [445102, 445121, 445122, 445101, 440523]
                 else [440500, 440700, 440121, 440122, 440125] end[1 + place % 5]::bigint * 100000000000
              + strftime(date '1941-01-01' + (place // 5 % 21900)::integer, '%Y%m%d')::bigint * 1000
              + place // 109500 as id17
            from places)
        select pid,
            substr({surnames}, 1 + (place % 29)::integer, 1)
              || substr({given}, 1 + (place // 29 % {len(GIVEN)})::integer, 1)
              || case when place % 7 < 5
                 then substr({given}, 1 + (place // 1537 % {len(GIVEN)})::integer, 1) else '' end as name,
            id17::varchar || substr('10X98765432', 1 + (({_weighted("id17", id_weights)}) % 11)::integer, 1) as id_no,
            '1' || [3, 5, 8][1 + place % 3]::varchar || lpad((place * 7919 % 1000000000)::varchar, 9, '0') as mobile,
            'GD' || lpad(((pid::bigint * 48271 + 11) % 2147483647)::varchar, 10, '0') as account_id,
            {_REGISTERED} + to_seconds(place * 31 % 181000000) as registered_at,
            (1 + place % 3)::integer as real_name_level
        from numbers""")
    org_weights = [3, 7, 9, 10, 5, 8, 4, 2]
    credit_weights = [1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28]

    def organisation(body: str) -> str:
        return f"{body}::varchar || substr('0X987654321', 1 + (({_weighted(body, org_weights)}) % 11)::integer, 1)"

    def credit(prefix: str, body: str, code: str) -> str:
        head = sum(int(digit) * w for digit, w in zip(prefix, credit_weights, strict=False))
        tail = _weighted(body, credit_weights[8:16])
        final = f"right({code}, 1)"
        last = f"{credit_weights[16]} * (case when {final} = 'X' then 29 else {final}::integer end)"
        check = f"(31 - ({head} + {tail} + {last}) % 31) % 31"
        return f"'{prefix}' || {code} || substr('0123456789ABCDEFGHJKLMNPQRTUWXY', 1 + ({check})::integer, 1)"

    codes = {
        kind: credit(prefix + division[:6], "body", "org_code")
        for kind, prefix in (("企业", "91"), ("个体工商户", "92"), ("事业单位", "12"))
    }
    credit_code = " ".join(f"when '{kind}' then {code}" for kind, code in codes.items())

    def body(number: str) -> str:
        return f"10000000 + (({number})::bigint * 611953 + {seed % 1000} * 7919) % 89999999"

    # The check digit of the old registration number: ISO 7064 modulus 11, 10.
    pure = (
        "list_reduce(list_transform(string_split(old, ''), d -> d::integer),"
        " (p, d) -> (case (p + d) % 10 when 0 then 10 else (p + d) % 10 end) * 2 % 11, 10)"
    )

    connection.execute(f"""
        create or replace table firms as
        with bodies as (select i as eid, {body("i")} as body, {body("i + 300000")} as social_body,
                            case when i % 16 = 4 then '个体工商户' when i % 60 = 48 then '事业单位' else '企业' end
                                as kind
                        from range({firms}) t(i)),
        coded as (select *, {organisation("body")} as org_code, {organisation("social_body")} as social_org_code,
                      '{division[:6]}' || case kind when '个体工商户' then '6' else '0' end
                          || lpad((eid::bigint * 7919 % 10000000)::varchar, 7, '0') as old
                  from bodies)
        select eid, kind, org_code, case kind {credit_code} end as credit_code, social_org_code,
            {credit("51" + division[:6], "social_body", "social_org_code")} as social_code,
            eid % 5 = 0 as uses_org_code, old || ((11 - {pure}) % 10) as registration_no,
            '{city}' || substr({shop}, 1 + (body % {len(_SHOP)})::integer, 1)
              || substr({shop}, 1 + (body // 31 % {len(_SHOP)})::integer, 1)
              || {_TRADES}[1 + body // 961 % {len(_TRADES)}]
              || case kind when '个体工商户' then '商行' when '事业单位' then '研究所' else '有限公司' end as name,
            '{city}' || substr({shop}, 1 + (body % {len(_SHOP)})::integer, 1)
              || substr({shop}, 1 + (body // 31 % {len(_SHOP)})::integer, 1)
              || {_TRADES}[1 + body // 961 % {len(_TRADES)}] || '行业协会' as social_name
        from coded""")
