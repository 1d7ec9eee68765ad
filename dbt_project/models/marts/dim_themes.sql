{{ config(tags=['static']) }}

select
    theme_code,
    theme_name,
    audience,
    sort_order
from {{ ref('themes') }}
