with source as (
    select * from {{ source('item_catalogue', 'items') }}
),

renamed as (
    select
        item_code,
        cast(item_version as int) as item_version,
        item_name,
        parent_item_code,
        {{ code('item_catalogue', 'subject', 'item_type') }} as subject,
        unit_code,
        {{ region_code('region_code') }} as region_code,
        cast(is_settled as boolean) as is_settled,
        cast(is_online as boolean) as is_online,
        cast(online_depth as int) as online_depth,
        cast(visit_limit as int) as visit_limit,
        cast(promised_limit as int) as promised_limit,
        promised_limit_unit,
        cast(statutory_limit as int) as statutory_limit,
        statutory_limit_unit,
        cast(is_immediate as boolean) as is_immediate,
        person_theme_code,
        legal_theme_code,
        special_theme_code,
        cast(valid_from as date) as valid_from,
        cast(valid_to as date) as valid_to,
        cast(updated_at as timestamp) as source_written_at,
        _source,
        _load_id,
        _loaded_at,
        _row_hash
    from source
)

select * from renamed
