{# The ways that closed cases of an item have gone (变体); a case that names no item is in none. #}
select
    item_code,
    path,
    {{ path_in_words('path') }} as path_in_words,
    event_count,
    row_count as case_count,
    cast(row_count as double) / sum(row_count) over (partition by item_code) as case_share,
    cast(row_number() over (partition by item_code order by row_count desc, path asc) as int) as path_rank,
    cast(handling_working_days as double) / nullif(timed_count, 0) as mean_handling_working_days
from {{ ref('int_item_paths_counted') }}
