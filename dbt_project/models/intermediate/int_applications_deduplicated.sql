{{ config(materialized='incremental', incremental_strategy='touched', unique_key=var('record_kinds')['applications']['key']) }}

{{ deduplicated('applications') }}
