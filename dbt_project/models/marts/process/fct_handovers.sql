with steps as (
    select
        case_no,
        position,
        unit_code,
        post_code,
        waited_working_hours
    from {{ ref('fct_steps') }}
),

handed as (
    select
        later.unit_code as to_unit_code,
        later.post_code as to_post_code,
        earlier.unit_code as from_unit_code,
        earlier.post_code as from_post_code,
        later.waited_working_hours
    from steps as later
    inner join steps as earlier on later.case_no = earlier.case_no and later.position = earlier.position + 1
    where
        later.unit_code is distinct from earlier.unit_code
        or later.post_code is distinct from earlier.post_code
)

select
    from_unit_code,
    from_post_code,
    to_unit_code,
    to_post_code,
    cast(count(*) as bigint) as handover_count,
    {{ mean('waited_working_hours') }} as mean_waited_working_hours
from handed
group by from_unit_code, from_post_code, to_unit_code, to_post_code
