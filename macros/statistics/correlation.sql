{#- Absolute difference of Pearson's correlations: one row (value, n_rows, n_reference). -#}
{% macro correlation(candidate, reference, column, other_column, reference_column=none, reference_other_column=none, where=none, reference_where=none, kind="number", other_kind="number", reference_kind=none, reference_other_kind=none) %}
  select abs(s.value - r.value) as value, s.n as n_rows, r.n as n_reference
  from ({{ synthohive.pearson(candidate, column, other_column, kind, other_kind, where) }}) s
  cross join ({{ synthohive.pearson(reference, reference_column or column, reference_other_column or other_column, reference_kind or kind, reference_other_kind or other_kind, reference_where) }}) r
{%- endmacro %}
