{#-
  The distribution of a number, date or timestamp is that of the reference: the two-sample
  Kolmogorov-Smirnov statistic is at most `max_ks`. Above `exact_rows` rows of the reference the statistic is
  computed by bins, with the same verdict (see ks_binned).
  With `group_by` it is tested within each group.
-#}
{% test ks_drift(model, column_name, reference, reference_column=none, max_ks=0.1, reference_where=none, exact_rows=200000, bins=4096, group_by=none, time_bucket=none, reference_group_by=none, min_group_rows=30) %}
  {{- return(adapter.dispatch("test_ks_drift", "synthohive")(model, column_name, reference, reference_column, max_ks, reference_where, exact_rows, bins, group_by, time_bucket, reference_group_by, min_group_rows)) -}}
{% endtest %}

{% macro default__test_ks_drift(model, column_name, reference, reference_column, max_ks, reference_where, exact_rows, bins, group_by, time_bucket, reference_group_by, min_group_rows) %}
  {%- set kinds = synthohive.compared_kinds("ks_drift", model, reference, column_name, reference_column) -%}
  {%- set group = synthohive.group_of("ks_drift", model, group_by, time_bucket) -%}
  {%- set reference_group = synthohive.group_of("ks_drift", reference, reference_group_by or group_by, time_bucket) -%}
  {%- if group -%}
    {%- set statistic = synthohive.by_group(model, reference, column_name, group, reference_column, reference_group, "ks", min_group_rows, reference_where, kinds.candidate, synthohive.is_personal(reference, reference_group_by or group_by), kinds.reference) -%}
  {%- elif kinds.reference in ("float", "number", "date", "timestamp") and synthohive.is_large(reference, exact_rows, reference_where) -%}
    {%- set statistic = synthohive.ks_binned(model, reference, column_name, reference_column, none, reference_where, kinds.candidate, max_ks, bins, kinds.reference) -%}
  {%- else -%}
    {%- set statistic = synthohive.ks(model, reference, column_name, reference_column, none, reference_where, kinds.candidate, kinds.reference) -%}
  {%- endif -%}
  {{ synthohive.drift_failures(statistic, model, reference, column_name, "ks", max_ks, reference_column or reference_where, grouped=group, min_group_rows=min_group_rows) }}
{% endmacro %}
