{{ config(enabled=target.name != 'exchange') }}

with source as (
    select * from {{ source('item_catalogue', 'power_adjustments') }}
),

renamed as (
    select
        adjustment_no,
        adjustment_kind,
        item_code,
        from_unit_code,
        to_unit_code,
        document_no,
        effective_on,
        updated_at as source_written_at,
        _source,
        _load_id,
        _loaded_at,
        _row_hash
    from source
)

select * from renamed
