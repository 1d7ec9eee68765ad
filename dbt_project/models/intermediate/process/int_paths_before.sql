{{ config(materialized='table', meta={'moves_with': 'news'}) }}
{{ rows_before('int_case_paths') }}
