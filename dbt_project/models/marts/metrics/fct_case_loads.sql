{{ config(materialized='incremental', incremental_strategy='touched', unique_key=['case_no']) }}
{# Only the records that decide a metric's flags: who asked for what and when, whether it was taken on, how it ended, how
   it was fetched. #}
with
{% for kind in ['applications', 'acceptances', 'closings', 'collections'] -%}
{{ kind }} as (
    select application_no as case_no, max(_load_id) as load_id
    from {{ ref('int_' ~ kind ~ '_deduplicated') }}
    {{ touched('application_no') }}
    group by application_no
){{ ',' if not loop.last }}

{% endfor -%}
select
    applications.case_no,
    applications.load_id as application_load_id,
    acceptances.load_id as acceptance_load_id,
    closings.load_id as closing_load_id,
    collections.load_id as collection_load_id
from applications
left join acceptances on applications.case_no = acceptances.case_no
left join closings on applications.case_no = closings.case_no
left join collections on applications.case_no = collections.case_no
