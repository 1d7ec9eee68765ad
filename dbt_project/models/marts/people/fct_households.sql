{# 户主归到人；号码认不出的户也在，主人为空。户编号不出现在集市中，同一户主的几户按识别先后编号。 #}
select
    identities.owner_kind,
    identities.owner_key,
    cast(row_number() over (
        partition by identities.owner_key
        order by households.listed_on asc nulls last, households.household_no asc
    ) as int) as household_place,
    households.cause,
    households.person_count,
    households.listed_on,
    coalesce(persons.case_count, 0) as case_count,
    persons.last_applied_at
from {{ ref('int_households_latest') }} as households
left join {{ ref('int_identities') }} as identities
    on {{ written_identifier('households.householder_id_no') }} = identities.id_no
left join {{ ref('dim_persons') }} as persons on identities.owner_key = persons.person_key
