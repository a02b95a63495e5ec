{#-
  One statistic of column_drifts alone: one row (value, lower_bound, upper_bound, n_rows, n_reference), in which
  `value` is on the same side of `limit` as the exact statistic.
-#}
{% macro binned_statistic(statistic, candidate, reference, column, reference_column, where, reference_where, kind, reference_kind, limit, intervals, bins=10, epsilon=0.0001) %}
  {%- set check = {
    "id": 1, "key": 1, "column": column, "reference_column": reference_column or column,
    "kind": kind, "reference_kind": reference_kind or kind, "statistic": statistic, "limit": limit,
  } -%}
  select value, lower_bound, upper_bound, n_rows, n_reference
  from ({{ synthohive.column_drifts(candidate, reference, [check], where, reference_where, intervals, bins, epsilon) }}) drifts
{%- endmacro %}
