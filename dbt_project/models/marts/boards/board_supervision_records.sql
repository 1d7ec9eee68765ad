{# Credit and market supervision, record by record and in words, for the one role that may see them. A record's own number
   stays behind, as names and codes do. #}
select
    records.owner_key,
    cast(row_number() over (
        partition by records.owner_key
        order by records.recorded_on asc nulls last, records.record_kind asc, records.record_no asc
    ) as int) as record_place,
    case records.record_kind when 'credit' then '信用' else '市场监管检查' end as supervision_name,
    records.entry_kind as entry_name,
    records.finding as finding_name,
    records.recorded_on,
    {{ format_time('records.recorded_on', 'yyyy-MM') }} as recorded_month,
    records.valid_until,
    case records.owner_kind
        when 'legal_person' then {{ legal_person_kind_in_words('firms.legal_person_kind') }}
        when 'person' then '自然人'
        else '不明'
    end as group_name,
    {{ legal_person_status_in_words('firms.legal_person_status') }} as status_name,
    firms.red_list_count,
    firms.black_list_count,
    firms.penalty_count,
    firms.rectification_due_count,
    coalesce(firms.case_count, 0) as case_count
from {{ ref('fct_supervision_records') }} as records
left join {{ ref('dim_legal_persons') }} as firms on records.owner_key = firms.legal_person_key
