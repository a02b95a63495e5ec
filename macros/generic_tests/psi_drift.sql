{#-
  The population stability index over `bins` quantiles of the reference is at most `max_psi`
  (below 0.1: no shift worth a word; above 0.25: a large one). An empty bin counts as `epsilon`. Above `exact_rows` rows
  of the reference it is computed without sorting them, with the same verdict (see psi_binned).
-#}
{% test psi_drift(model, column_name, reference, reference_column=none, max_psi=0.1, reference_where=none, bins=10, epsilon=0.0001, exact_rows=200000) %}
  {{- return(adapter.dispatch("test_psi_drift", "synthohive")(model, column_name, reference, reference_column, max_psi, reference_where, bins, epsilon, exact_rows)) -}}
{% endtest %}

{% macro default__test_psi_drift(model, column_name, reference, reference_column, max_psi, reference_where, bins, epsilon, exact_rows) %}
  {%- do synthohive.refuse_psi_bins("psi_drift", bins, epsilon) -%}
  {%- set kinds = synthohive.compared_kinds("psi_drift", model, reference, column_name, reference_column) -%}
  {%- if kinds.reference in ("float", "number", "date", "timestamp") and synthohive.is_large(reference, exact_rows, reference_where) -%}
    {%- set statistic = synthohive.psi_binned(model, reference, column_name, reference_column, none, reference_where, kinds.candidate, max_psi, bins, epsilon, kinds.reference) -%}
  {%- else -%}
    {%- set statistic = synthohive.psi(model, reference, column_name, reference_column, none, reference_where, kinds.candidate, bins, epsilon, kinds.reference) -%}
  {%- endif -%}
  {{ synthohive.drift_failures(statistic, model, reference, column_name, "psi", max_psi, reference_column or reference_where) }}
{% endmacro %}
