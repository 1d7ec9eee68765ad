{# What the text of an alarm would say with the clock is told by the records and sources themselves. #}
with sources as (
    select system_name, source_title from {{ ref('int_source_standings_latest') }}
),

alarms as (
    select * from {{ ref('int_open_alarms_latest') }}
)

select
    alarms.alarm_id,
    alarms.alarm_kind,
    {{ alarm_in_words('alarms.alarm_kind') }} as alarm_name,
    nullif(alarms.system_name, '') as source_name,
    sources.source_title,
    units.level_name,
    units.county_code,
    units.county_name,
    units.town_code,
    coalesce(units.counts_as_code, nullif(alarms.unit_code, '')) as unit_code,
    units.unit_name,
    coalesce(
        alarms.alarm_text,
        case alarms.alarm_kind
            when 'silent_source' then concat(coalesce(sources.source_title, alarms.system_name), '：超过时限没有数据到达')
            else concat(coalesce(units.unit_name, '部门不明'), '（', coalesce(sources.source_title, alarms.system_name), '）：有记录临近或超过 12 小时仍未送达省平台')
        end
    ) as alarm_text,
    alarms.alarm_mend,
    alarms.raised_at,
    alarms.told_at
from alarms
left join sources on alarms.system_name = sources.system_name
left join {{ ref('dim_units_today') }} as units on alarms.unit_code = units.reported_unit_code
