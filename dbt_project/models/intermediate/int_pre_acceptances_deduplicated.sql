{{ config(materialized='incremental', incremental_strategy='touched', unique_key=var('record_kinds')['pre_acceptances']['key']) }}

{{ deduplicated('pre_acceptances') }}
