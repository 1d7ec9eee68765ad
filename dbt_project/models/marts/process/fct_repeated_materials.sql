{# Materials that show a licence of which the applicant had an e-licence already (可用电子证照免交). Built anew from the few
   materials that name a licence kind: a licence may become known long after the case. #}
with kinds as (
    select distinct licence_kind
    from {{ ref('int_licences_latest') }}
    where length(licence_kind) >= 3
),

names as (
    select distinct material_name from {{ ref('fct_materials') }}
),

shown as (
    select names.material_name, kinds.licence_kind
    from names
    inner join kinds on position(kinds.licence_kind in names.material_name) > 0
),

held as (
    select
        identities.identity_key,
        licences.licence_kind,
        min(licences.issued_at) as issued_at
    from {{ ref('int_licences_latest') }} as licences
    inner join {{ ref('int_identity_keys') }} as identities
        on {{ written_identifier('licences.holder_id_no') }} = identities.id_no
    where licences.status <> 'abolished' and licences.licence_kind in (select shown.licence_kind from shown where shown.licence_kind >= '')
    group by identities.identity_key, licences.licence_kind
),

-- 持有这些证照的申请人不多，先由他们找到办件。
applicants as (
    select case_no, identity_key
    from {{ ref('int_case_applicants') }}
    where identity_key in (select held.identity_key from held where held.identity_key >= '')
),

materials as (
    select
        those.material_key,
        those.case_no,
        those.item_code,
        those.material_name,
        those.file_kind,
        those.copy_kind,
        shown.licence_kind
    from {{ ref('fct_materials') }} as those
    inner join shown on those.material_name = shown.material_name
    where those.case_no in (select applicants.case_no from applicants where applicants.case_no >= '')
),

applications as (
    select application_no as case_no, applied_at, unit_code
    from {{ ref('int_applications_deduplicated') }}
    where application_no in (select materials.case_no from materials where materials.case_no >= '')
)

select
    materials.material_key,
    materials.case_no,
    materials.item_code,
    applications.unit_code,
    applications.applied_at,
    materials.material_name,
    materials.licence_kind,
    materials.file_kind,
    materials.copy_kind,
    held.issued_at as licence_issued_at
from materials
inner join applications on materials.case_no = applications.case_no
inner join applicants on materials.case_no = applicants.case_no
inner join held
    on applicants.identity_key = held.identity_key
    and materials.licence_kind = held.licence_kind
where held.issued_at < applications.applied_at
