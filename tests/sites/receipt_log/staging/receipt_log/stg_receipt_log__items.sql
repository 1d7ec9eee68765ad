with source as (
    select * from {{ ref('receipt_log_items') }}
),

renamed as (
    select
        cast(item_code as string) as item_code,
        cast(1 as int) as item_version,
        cast(item_name as string) as item_name,
        cast(null as string) as parent_item_code,
        {{ code('receipt_log', 'subject', 'item_type') }} as subject,
        cast(unit_code as string) as unit_code,
        cast(region_code as string) as region_code,
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
        cast(valid_from as date) as valid_from,
        cast(null as date) as valid_to,
        cast(valid_from as timestamp) as source_written_at,
        'receipt_log' as _source,
        'seed' as _load_id,
        cast(valid_from as timestamp) as _loaded_at,
        cast(null as bigint) as _row_hash
    from source
)

select * from renamed
