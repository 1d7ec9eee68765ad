select
    previous_unit_code as from_unit_code,
    previous_post_code as from_post_code,
    unit_code as to_unit_code,
    post_code as to_post_code,
    cast(count(*) as bigint) as handover_count,
    {{ mean('waited_working_hours') }} as mean_waited_working_hours
from {{ ref('fct_steps') }}
where
    position > 1
    and (unit_code is distinct from previous_unit_code or post_code is distinct from previous_post_code)
group by previous_unit_code, previous_post_code, unit_code, post_code
