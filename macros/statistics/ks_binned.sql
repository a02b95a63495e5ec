{#-
  KS of a numeric column, date or timestamp without sorting it, by `bins` intervals; see bin_places and ks_bounds.
-#}
{% macro ks_binned(candidate, reference, column, reference_column=none, where=none, reference_where=none, kind="unknown", limit=0, bins=4096, reference_kind=none) %}
  {{- synthohive.binned_statistic("ks", candidate, reference, column, reference_column, where, reference_where, kind, reference_kind, limit, bins) -}}
{% endmacro %}
