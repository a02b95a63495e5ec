{{ config(
  enabled=var("synthohive_drift_report", none) is not none,
  materialized="table",
) }}
{#- One row for each check of a pair of schemas, for dashboards. See models/synthohive_drift_report.yml. -#}
{%- set pair = var("synthohive_drift_report", none) or {} -%}
{%- if synthohive.asks_warehouse() and not synthohive.is_empty_run() -%}
  {{ synthohive.drift_query(synthohive.drift_checks(pair.reference, pair.candidate, pair.limits)) }}
{%- else -%}
  select * from ({{ synthohive.drift_query([{"table": "", "test": none}]) }}) no_checks where 1 = 0
{%- endif -%}
