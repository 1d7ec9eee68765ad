{{ config(tags=['static']) }}

select
    level_code,
    level_name,
    sort_order
from {{ ref('levels') }}
