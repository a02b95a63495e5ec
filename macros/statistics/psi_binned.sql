{#- The population stability index of a numeric column, date or timestamp without sorting it; see psi_bounds. -#}
{% macro psi_binned(candidate, reference, column, reference_column=none, where=none, reference_where=none, kind="unknown", limit=0, bins=10, epsilon=0.0001, reference_kind=none, intervals=4096) %}
  {{- synthohive.binned_statistic("psi", candidate, reference, column, reference_column, where, reference_where, kind, reference_kind, limit, intervals, bins, epsilon) -}}
{% endmacro %}
