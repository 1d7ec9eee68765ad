-- 部门代码有几种写法：18 位统一社会信用代码取第 9 至 17 位；9 位即组织机构代码；其余（少写校验位的、平台内部编号等）以同行的
-- 统一社会信用代码为准；没有的保持原样，不编造。
with source as (
    select * from {{ source('item_list', 'items_flat') }}
),

coded as (
    select
        *,
        {{ code('item_list', 'unit', 'dept_code') }} as known_code,
        {{ filled('dept_uscc') }} as credit_code
    from source
),

renamed as (
    select
        cast(item_code as string) as item_code,
        cast(1 as int) as item_version,
        cast(item_name as string) as item_name,
        cast(null as string) as parent_item_code,
        cast({{ code('item_list', 'subject', 'task_type') }} as string) as subject,
        cast(case
            when length(known_code) = 18 then substr(known_code, 9, 9)
            when length(known_code) <> 9 and length(credit_code) = 18 then substr(credit_code, 9, 9)
            else known_code
        end as string) as unit_code,
        cast({{ region_code('area_code') }} as string) as region_code,
        cast(null as boolean) as is_settled,
        cast(null as boolean) as is_online,
        cast(null as int) as online_depth,
        cast(null as int) as visit_limit,
        cast(null as int) as promised_limit,
        cast(null as string) as promised_limit_unit,
        cast(null as int) as statutory_limit,
        cast(null as string) as statutory_limit_unit,
        cast(null as boolean) as is_immediate,
        cast(null as string) as person_theme_code,
        cast(null as string) as legal_theme_code,
        cast(null as string) as special_theme_code,
        cast(null as date) as valid_from,
        cast(null as date) as valid_to,
        cast(_loaded_at as timestamp) as source_written_at,
        _source,
        _load_id,
        _loaded_at,
        _row_hash
    from coded
)

select * from renamed
