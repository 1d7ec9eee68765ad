select
    previous_unit_code as from_unit_code,
    previous_post_code as from_post_code,
    unit_code as to_unit_code,
    post_code as to_post_code,
    cast(sum(row_count) as bigint) as handover_count,
    cast(sum(exact_working_hours) / nullif(sum(waited_count), 0) as double) as mean_waited_working_hours
from {{ ref('int_steps_counted') }}
where
    not is_first
    and (unit_code is distinct from previous_unit_code or post_code is distinct from previous_post_code)
group by previous_unit_code, previous_post_code, unit_code, post_code
