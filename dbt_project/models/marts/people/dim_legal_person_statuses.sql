{# 法人的起止：设立、分立而来的一方自变更之时起存续；注销的、被合并的一方自变更之时起终止。登记库在册而没有设立记录的，起点不明。 #}
with registered as (
    select distinct identities.owner_key
    from {{ ref('int_legal_persons_latest') }} as legal_persons
    inner join {{ ref('int_identities') }} as identities
        on {{ written_identifier('legal_persons.credit_code') }} = identities.id_no
),

changes as (
    select
        identities.owner_key,
        changes.changed_at,
        changes.change_no,
        case
            when changes.change_kind = '注销' then 'deregistered'
            when changes.change_kind = '合并' and changes.party = '乙方' then 'merged'
            else 'existing'
        end as legal_person_status,
        coalesce(
            changes.change_kind = '设立' or (changes.change_kind = '分立' and changes.party = '乙方'), false
        ) as is_founding
    from {{ ref('int_legal_person_changes_latest') }} as changes
    inner join {{ ref('int_identities') }} as identities
        on {{ written_identifier('changes.credit_code') }} = identities.id_no
    where
        changes.change_kind in ('注销', '设立')
        or (changes.change_kind in ('合并', '分立') and changes.party = '乙方')
),

-- 此前已经存在的，从起点不明的一段开始；终止以后仍在册的，以登记库为准。
first_ones as (
    select
        owner_key,
        min_by(is_founding, concat(cast(changed_at as string), change_no)) as begins_with_founding
    from changes
    group by owner_key
),

everyone as (
    select owner_key from registered
    union
    select owner_key from first_ones
),

spans as (
    select
        everyone.owner_key,
        cast(null as timestamp) as valid_from,
        '' as change_no,
        'existing' as legal_person_status
    from everyone
    left join first_ones on everyone.owner_key = first_ones.owner_key
    where not coalesce(first_ones.begins_with_founding, false)
    union all
    select
        owner_key,
        changed_at as valid_from,
        change_no,
        legal_person_status
    from changes
),

followed as (
    select
        *,
        row_number() over (
            partition by owner_key order by valid_from asc nulls first, change_no asc
        ) as status_place,
        lead(valid_from) over (
            partition by owner_key order by valid_from asc nulls first, change_no asc
        ) as valid_to
    from spans
)

select
    owner_key as legal_person_key,
    cast(status_place as int) as status_place,
    legal_person_status,
    valid_from,
    valid_to,
    valid_to is null as is_current
from followed
