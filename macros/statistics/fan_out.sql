{#-
  KS of the number of children per parent, parents without children included: one row
  (value, n_rows, n_reference), rows being parents.
-#}
{% macro fan_out(candidate, columns, to, to_columns, reference, reference_to, reference_columns=none, reference_to_columns=none, reference_where=none) %}
  {{- synthohive.ks_of_counts(synthohive.value_counts(
    synthohive.fan_out_histogram(candidate, columns, to, to_columns),
    synthohive.fan_out_histogram(reference, reference_columns or columns, reference_to, reference_to_columns or to_columns, reference_where)
  )) -}}
{% endmacro %}
