{{ config(materialized='incremental', incremental_strategy='touched', unique_key=var('record_kinds')['special_procedure_starts']['key']) }}

{{ deduplicated('special_procedure_starts') }}
