{{ config(materialized='incremental', incremental_strategy='touched', unique_key=var('record_kinds')['supplement_receipts']['key']) }}

{{ deduplicated('supplement_receipts') }}
