{{ config(materialized='incremental', incremental_strategy='touched', unique_key=var('record_kinds')['closings']['key']) }}

{{ deduplicated('closings') }}
