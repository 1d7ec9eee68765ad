{# 专题：信用与市场监管。修复后撤下的信用记录不在其中。 #}
select
    'credit' as record_kind,
    entries.entry_no as record_no,
    identities.owner_key,
    identities.owner_kind,
    entries.entry_kind,
    cast(null as string) as finding,
    entries.found_on as recorded_on,
    entries.valid_until
from {{ ref('int_credit_entries_latest') }} as entries
inner join {{ ref('int_identities') }} as identities
    on {{ written_identifier('entries.credit_code') }} = identities.id_no
union all
select
    'inspection' as record_kind,
    inspections.inspection_no as record_no,
    identities.owner_key,
    identities.owner_kind,
    inspections.inspection_kind as entry_kind,
    inspections.finding,
    cast(inspections.inspected_at as date) as recorded_on,
    cast(null as date) as valid_until
from {{ ref('int_inspections_latest') }} as inspections
inner join {{ ref('int_identities') }} as identities
    on {{ written_identifier('inspections.credit_code') }} = identities.id_no
