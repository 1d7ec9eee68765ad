{{ config(enabled=target.name != 'exchange') }}

with source as (
    select * from {{ source('payments', 'settlements') }}
),

renamed as (
    select
        {{ adapter.quote('流水号') }} as payment_no,
        {{ adapter.quote('申办流水号') }} as case_no,
        {{ adapter.quote('支付方式') }} as payment_way,
        {{ adapter.quote('金额') }} as amount_yuan,
        {{ adapter.quote('支付时间') }} as paid_at,
        {{ adapter.quote('状态') }} as payment_status,
        _file_date,
        _source,
        _load_id,
        _loaded_at,
        _row_hash
    from source
)

select * from renamed
