{#-
  Within the groups of `by`, the distribution of the column is that of the reference: the distance
  (`measure`: "tvd" for categories, "ks" for numbers and dates), averaged over the groups by their size in
  the reference, is at most `max_difference`. With `to`, `reference_to`, `columns` and `to_columns`
  `by` is a column of the parent, across a join.
-#}
{% test conditional_drift(model, column_name, by, reference, reference_column=none, reference_by=none, measure="tvd", max_difference=0.15, min_group_rows=30, to=none, reference_to=none, columns=none, to_columns=none, reference_where=none) %}
  {{- return(adapter.dispatch("test_conditional_drift", "synthohive")(model, column_name, by, reference, reference_column, reference_by, measure, max_difference, min_group_rows, to, reference_to, columns, to_columns, reference_where)) -}}
{% endtest %}

{% macro default__test_conditional_drift(model, column_name, by, reference, reference_column, reference_by, measure, max_difference, min_group_rows, to, reference_to, columns, to_columns, reference_where) %}
  {%- if measure not in ("tvd", "ks") -%}
    {{ exceptions.raise_compiler_error("conditional_drift: measure is '" ~ measure ~ "'; it can be 'tvd' or 'ks'") }}
  {%- endif -%}
  {%- set join = none -%}
  {%- if to -%}
    {%- if not (reference_to and columns) -%}
      {{ exceptions.raise_compiler_error("conditional_drift: `to` needs `reference_to` and `columns`, the key that leads to it") }}
    {%- endif -%}
    {%- set join = {"to": to, "reference_to": reference_to, "columns": columns, "to_columns": to_columns or columns} -%}
  {%- endif -%}
  {%- set kinds = synthohive.compared_kinds("conditional_drift", model, reference, column_name, reference_column) if measure == "ks" else {"candidate": "unknown", "reference": "unknown"} -%}
  {%- set statistic = synthohive.conditional(model, reference, column_name, by, reference_column, reference_by, join, measure, min_group_rows, reference_where, kinds.candidate, kinds.reference, synthohive.is_personal(reference_to if to else reference, reference_by or by)) -%}
  {{ synthohive.drift_failures(statistic, model, reference, column_name ~ " by " ~ by, "conditional_" ~ measure, max_difference, reference_column or reference_where, grouped=true, min_group_rows=min_group_rows) }}
{% endmacro %}
