{#-
  KS of one column: one row (value, n_rows, n_reference), NULL and NaN left out.
  Sorts every distinct value; any type that can be ordered.
-#}
{% macro ks(candidate, reference, column, reference_column=none, where=none, reference_where=none, kind="unknown", reference_kind=none) %}
  {{- synthohive.ks_of_counts(synthohive.value_counts(
    synthohive.filled_values(candidate, column, kind, where),
    synthohive.filled_values(reference, reference_column or column, reference_kind or kind, reference_where)
  )) -}}
{% endmacro %}
