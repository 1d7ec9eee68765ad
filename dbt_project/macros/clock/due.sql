{# How many days a case's suspensions move a limit, for the cases that have any: one row a case.

   `cases`: case_no, accepted_on and the two columns `limit` (days) and `unit` (G working, Z natural). `spans`: as
   `stopped_spans` gives them. `dates`: dim_dates. Columns: shift_days and is_open for the day on which the limit is used
   up, overdue_shift_days and is_overdue_open for the first day on which nothing is left (a day more than the limit).
   A suspension moves a limit only where the limit was not yet used up the day before it began; so those that count are
   the first ones of a case, and an open one without a limit leaves no due date. #}
{% macro clock_shifts(cases, spans, dates, limit, unit) -%}
select
        case_no,
        coalesce(sum(case when counted_before < limit_days then stopped_days end), 0) as shift_days,
        bool_or(is_open and counted_before < limit_days) as is_open,
        coalesce(sum(case when counted_before <= limit_days then stopped_days end), 0) as overdue_shift_days,
        bool_or(is_open and counted_before <= limit_days) as is_overdue_open
    from (
        select
            case_no,
            limit_days,
            is_open,
            stopped_days,
            before_no - accepted_no - coalesce(
                sum(stopped_days) over (
                    partition by case_no order by before_no asc, until_no asc nulls last
                    rows between unbounded preceding and 1 preceding
                ), 0
            ) as counted_before
        from (
            select
                timed.case_no,
                timed.{{ limit }} as limit_days,
                spans.runs_until is null as is_open,
                {{ day_number('accepted', 'timed.' ~ unit) }} as accepted_no,
                {{ day_number('before', 'timed.' ~ unit) }} as before_no,
                {{ day_number('until', 'timed.' ~ unit) }} as until_no,
                {{ day_number('until', 'timed.' ~ unit) }} - {{ day_number('before', 'timed.' ~ unit) }} as stopped_days
            from {{ spans }} as spans
            inner join {{ cases }} as timed on spans.case_no = timed.case_no
            inner join {{ dates }} as accepted on timed.accepted_on = accepted.date_on
            -- The clock starts the day after acceptance: what stands still before has nothing to move.
            inner join {{ dates }} as before
                on greatest({{ add_days('spans.starts_on', -1) }}, timed.accepted_on) = before.date_on
            left join {{ dates }} as until on spans.runs_until = until.date_on
            where
                (spans.runs_until is null or spans.runs_until > timed.accepted_on)
                and timed.{{ limit }} is not null
                and timed.{{ unit }} in ('G', 'Z')
        ) as numbered
    ) as counted
    group by case_no
{%- endmacro %}

{# A date's place in its unit's own count: working days or natural days since the calendar begins. #}
{% macro day_number(dates, unit) -%}
case {{ unit }} when 'G' then {{ dates }}.working_day_no when 'Z' then {{ dates }}.day_no end
{%- endmacro %}

{# Every day by its unit and its place in that unit's count: unit, day_no, date_on. A due date is looked up here by the
   number that the limit comes to. #}
{% macro unit_days(dates) -%}
select 'G' as unit, working_day_no as day_no, date_on
    from {{ dates }}
    where is_working_day
    union all
    select 'Z' as unit, day_no, date_on
    from {{ dates }}
{%- endmacro %}

{# How many days of the unit have counted up to a day, at most its closing: the days since acceptance without those on
   which the clock stood. #}
{% macro passed_days(accepted, day, unit, stopped) -%}
greatest({{ day_number(day, unit) }} - {{ day_number(accepted, unit) }}, 0) - coalesce({{ stopped }}, 0)
{%- endmacro %}

{# How many days the clock stood from acceptance up to a day of each case: one row a case, in working and natural days.
   `cases`: case_no, accepted_on and `day`; spans and dates as above. #}
{% macro stopped_up_to(cases, spans, dates, day) -%}
select
        timed.case_no,
        sum(until.working_day_no - before.working_day_no) as stopped_working_days,
        sum(until.day_no - before.day_no) as stopped_days,
        bool_or(spans.runs_until is null or spans.runs_until >= timed.{{ day }}) as is_stopped
    from {{ spans }} as spans
    inner join {{ cases }} as timed on spans.case_no = timed.case_no
    inner join {{ dates }} as before
        on greatest({{ add_days('spans.starts_on', -1) }}, timed.accepted_on) = before.date_on
    inner join {{ dates }} as until
        on least(coalesce(spans.runs_until, timed.{{ day }}), timed.{{ day }}) = until.date_on
    where
        spans.starts_on <= timed.{{ day }}
        and (spans.runs_until is null or spans.runs_until > timed.accepted_on)
        and timed.{{ day }} > timed.accepted_on
    group by timed.case_no
{%- endmacro %}
