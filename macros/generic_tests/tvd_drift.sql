{#-
  The shares of categories are those of the reference: the total variation distance is at most
  `max_tvd`. NULL is one more category. With `group_by` they are tested within each group.
-#}
{% test tvd_drift(model, column_name, reference, reference_column=none, max_tvd=0.1, reference_where=none, group_by=none, time_bucket=none, reference_group_by=none, min_group_rows=30) %}
  {{- return(adapter.dispatch("test_tvd_drift", "synthohive")(model, column_name, reference, reference_column, max_tvd, reference_where, group_by, time_bucket, reference_group_by, min_group_rows)) -}}
{% endtest %}

{% macro default__test_tvd_drift(model, column_name, reference, reference_column, max_tvd, reference_where, group_by, time_bucket, reference_group_by, min_group_rows) %}
  {%- set group = synthohive.group_of("tvd_drift", model, group_by, time_bucket) -%}
  {%- set reference_group = synthohive.group_of("tvd_drift", reference, reference_group_by or group_by, time_bucket) -%}
  {%- if group -%}
    {%- set statistic = synthohive.by_group(model, reference, column_name, group, reference_column, reference_group, "tvd", min_group_rows, reference_where, "unknown", synthohive.is_personal(reference, reference_group_by or group_by)) -%}
  {%- else -%}
    {%- set statistic = synthohive.tvd(model, reference, column_name, reference_column, none, reference_where) -%}
  {%- endif -%}
  {{ synthohive.drift_failures(statistic, model, reference, column_name, "tvd", max_tvd, reference_column or reference_where, grouped=group, min_group_rows=min_group_rows) }}
{% endmacro %}
