{{ config(materialized='incremental', incremental_strategy='touched', unique_key=var('record_kinds')['supplement_notices']['key']) }}

{{ deduplicated('supplement_notices') }}
