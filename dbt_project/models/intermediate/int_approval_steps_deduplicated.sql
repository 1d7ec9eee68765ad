{{ config(materialized='incremental', incremental_strategy='touched', unique_key=var('record_kinds')['approval_steps']['key']) }}

{{ deduplicated('approval_steps') }}
