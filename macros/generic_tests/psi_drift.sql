{#-
  The population stability index over `bins` quantiles of the reference is at most `max_psi`
  (below 0.1: no shift worth a word; above 0.25: a large one). An empty bin counts as `epsilon`.
-#}
{% test psi_drift(model, column_name, reference, reference_column=none, max_psi=0.1, reference_where=none, bins=10, epsilon=0.0001) %}
  {{- return(adapter.dispatch("test_psi_drift", "synthohive")(model, column_name, reference, reference_column, max_psi, reference_where, bins, epsilon)) -}}
{% endtest %}

{% macro default__test_psi_drift(model, column_name, reference, reference_column, max_psi, reference_where, bins, epsilon) %}
  {%- set kind = synthohive.column_kind(reference, reference_column or column_name) -%}
  {%- set statistic = synthohive.psi(model, reference, column_name, reference_column, none, reference_where, kind, bins, epsilon) -%}
  {{ synthohive.drift_failures(statistic, model, reference, column_name, "psi", max_psi, reference_column or reference_where) }}
{% endmacro %}
