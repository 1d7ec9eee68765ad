{{ config(enabled=target.name != 'exchange') }}

with source as (
    select * from {{ source('complaints_and_ratings', 'ratings') }}
),

renamed as (
    select
        rating_no,
        case_no,
        unit_code,
        score,
        rating_way,
        rated_at,
        updated_at as source_written_at,
        _source,
        _load_id,
        _loaded_at,
        _row_hash
    from source
)

select * from renamed
