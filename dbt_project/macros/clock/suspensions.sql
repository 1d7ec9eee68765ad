{# The statutory clock (法定计时). Each rule of how time is counted stands where it is worded.
   A suspension (停计) stops the clock from its first to its last day, both included; what it does not stop counts on. #}

{# Whether an extension (A, 延长审批) was refused: it is then as if it had never been asked for. What a hearing or an
   inspection (B) came to says nothing about whether it took place. #}
{% macro is_refused_extension(kind, outcome) -%}
coalesce({{ kind }} = 'A' and {{ matches(outcome, '不同意|不批准|不予|未批准|未获批准|不准|驳回|拒绝') }}, false)
{%- endmacro %}

{# The limit of a special procedure in days, null where it has none. B with 0 has none; a unit that is not in the list
   makes the limit unreadable, which is none. #}
{% macro suspension_limit(kind, value, unit) -%}
case
            when coalesce({{ unit }}, '') not in ('G', 'Z') then null
            when {{ kind }} = 'B' and {{ value }} = 0 then null
            when {{ value }} between 0 and 3000 then {{ value }}
        end
{%- endmacro %}

{# The days on which a case's clock stands, by case and suspension: starts_on, runs_until (the last day; null: open, and
   without a limit). `suspensions` has the columns of int_suspensions. With `as_of` (a timestamp) the clock is read as it
   stood at that moment: what began later is not there, what ended later is still open. A closing ends everything. `keys`: what names a row. #}
{% macro stops(suspensions, as_of=none, keys=['case_no']) -%}
{%- set known = '' if as_of is none else ' and %s <= ' ~ as_of -%}
select
        {{ keys | join(', ') }},
        starts_on,
        case
            when ended_at is null and closed_at is null then limit_ends_on
            else least(
                coalesce(cast(ended_at as date), cast(closed_at as date)),
                coalesce(cast(closed_at as date), cast(ended_at as date)),
                coalesce(limit_ends_on, cast('9999-12-31' as date))
            )
        end as runs_until
    from (
        select
            {{ keys | join(', ') }},
            starts_on,
            limit_ends_on,
            is_refused,
            case when 1 = 1{{ known | replace('%s', 'ended_at') }} then ended_at end as ended_at,
            case when 1 = 1{{ known | replace('%s', 'closed_at') }} then closed_at end as closed_at
        from {{ suspensions }}
        where is_after_acceptance and not is_reversed and not is_after_closing{{ known | replace('%s', 'started_at') }}
    ) as those
    where not (is_refused and ended_at is not null)
{%- endmacro %}

{# The same days with none named twice: overlapping and adjoining suspensions are one span, so that a union is counted
   and never a sum. `stopped`: a relation as `stops` gives it. Columns: case_no, starts_on, runs_until (null: open). #}
{% macro stopped_spans(stopped) -%}
select
        case_no,
        min(starts_on) as starts_on,
        case when max(last_on) < cast('9999-12-31' as date) then max(last_on) end as runs_until
    from (
        select
            case_no,
            starts_on,
            last_on,
            sum(case when starts_on <= {{ add_days('earlier_last_on', 1) }} then 0 else 1 end) over (
                partition by case_no order by starts_on asc, last_on asc rows between unbounded preceding and current row
            ) as span_no
        from (
            select
                case_no,
                starts_on,
                last_on,
                -- A day less than the end of time, so that the day after it is one still.
                least(
                    max(last_on) over (
                        partition by case_no order by starts_on asc, last_on asc
                        rows between unbounded preceding and 1 preceding
                    ),
                    cast('9999-12-30' as date)
                ) as earlier_last_on
            from (
                select
                    case_no,
                    starts_on,
                    coalesce(runs_until, cast('9999-12-31' as date)) as last_on
                from {{ stopped }}
                where runs_until is null or runs_until >= starts_on
            ) as those
        ) as followed
    ) as numbered
    group by case_no, span_no
{%- endmacro %}
