{#- The shares of NULL differ by at most `max_difference`; with `group_by`, within each group. -#}
{% test null_rate_drift(model, column_name, reference, reference_column=none, max_difference=0.02, reference_where=none, group_by=none, time_bucket=none, reference_group_by=none, min_group_rows=30) %}
  {{- return(adapter.dispatch("test_null_rate_drift", "synthohive")(model, column_name, reference, reference_column, max_difference, reference_where, group_by, time_bucket, reference_group_by, min_group_rows)) -}}
{% endtest %}

{% macro default__test_null_rate_drift(model, column_name, reference, reference_column, max_difference, reference_where, group_by, time_bucket, reference_group_by, min_group_rows) %}
  {%- set group = synthohive.group_of("null_rate_drift", model, group_by, time_bucket) -%}
  {%- set reference_group = synthohive.group_of("null_rate_drift", reference, reference_group_by or group_by, time_bucket) -%}
  {%- if group -%}
    {#- The total variation of the two categories that NULL and any value make. -#}
    {%- set flag, reference_flag = "case when " ~ column_name ~ " is null then 1 else 0 end", "case when " ~ (reference_column or column_name) ~ " is null then 1 else 0 end" -%}
    {%- set statistic = synthohive.by_group(model, reference, flag, group, reference_flag, reference_group, "tvd", min_group_rows, reference_where, "unknown", synthohive.is_personal(reference, reference_group_by or group_by)) -%}
  {%- else -%}
    {%- set statistic = synthohive.null_rate(model, reference, column_name, reference_column, none, reference_where) -%}
  {%- endif -%}
  {{ synthohive.drift_failures(statistic, model, reference, column_name, "null_rate_difference", max_difference, reference_column or reference_where, grouped=group, min_group_rows=min_group_rows) }}
{% endmacro %}
