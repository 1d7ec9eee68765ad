{{ config(materialized='table', meta={'moves_with': 'news'}) }}
{{ rows_before('fct_steps') }}
