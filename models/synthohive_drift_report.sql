{{ config(
  enabled=var("synthohive_drift_report", none) is not none,
  materialized="table",
) }}
{#- One row for each check of a pair of schemas, for dashboards. See models/synthohive_drift_report.yml. -#}
{%- set pair = var("synthohive_drift_report", none) or {} -%}
{%- if execute -%}
  {{ synthohive.drift_query(synthohive.drift_checks(pair.reference, pair.candidate, pair.limits)) }}
{%- else -%}
  select 1 as table_name
{%- endif -%}
