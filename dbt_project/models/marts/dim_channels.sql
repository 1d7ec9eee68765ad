{{ config(tags=['static']) }}

select
    channel_code,
    channel_name,
    sort_order
from {{ ref('channels') }}
