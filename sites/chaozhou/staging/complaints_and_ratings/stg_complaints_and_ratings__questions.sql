{{ config(enabled=target.name != 'exchange') }}

with source as (
    select * from {{ source('complaints_and_ratings', 'questions') }}
),

renamed as (
    select
        question_no,
        item_code,
        unit_code,
        asked_at,
        status,
        answered_at,
        updated_at as source_written_at,
        _source,
        _load_id,
        _loaded_at,
        _row_hash
    from source
)

select * from renamed
