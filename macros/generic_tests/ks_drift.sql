{#-
  The distribution of a number, date or timestamp is that of the reference: the two-sample
  Kolmogorov-Smirnov statistic is at most `max_ks`. Above `exact_rows` rows of the reference the statistic is
  computed by bins, with the same verdict (see ks_binned).
-#}
{% test ks_drift(model, column_name, reference, reference_column=none, max_ks=0.1, reference_where=none, exact_rows=200000, bins=4096) %}
  {{- return(adapter.dispatch("test_ks_drift", "synthohive")(model, column_name, reference, reference_column, max_ks, reference_where, exact_rows, bins)) -}}
{% endtest %}

{% macro default__test_ks_drift(model, column_name, reference, reference_column, max_ks, reference_where, exact_rows, bins) %}
  {%- set kind = synthohive.column_kind(reference, reference_column or column_name) -%}
  {%- if synthohive.is_large(reference, exact_rows) and kind in ("float", "number", "date", "timestamp") -%}
    {%- set statistic = synthohive.ks_binned(model, reference, column_name, reference_column, none, reference_where, kind, max_ks, bins) -%}
  {%- else -%}
    {%- set statistic = synthohive.ks(model, reference, column_name, reference_column, none, reference_where, kind) -%}
  {%- endif -%}
  {{ synthohive.drift_failures(statistic, model, reference, column_name, "ks", max_ks, reference_column or reference_where) }}
{% endmacro %}
