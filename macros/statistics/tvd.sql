{#-
  Total variation distance of one column, half the sum of |p - q| over all values: one row
  (value, n_rows, n_reference). NULL is one more category. Shares are not divided before they are added up: rounded, they would pass 1.
-#}
{% macro tvd(candidate, reference, column, reference_column=none, where=none, reference_where=none) %}
  {%- set left %}select {{ column }} as v, 1 as n from {{ synthohive.table_reference(candidate) }} {% if where %}where {{ where }}{% endif %}{% endset -%}
  {%- set right %}select {{ reference_column or column }} as v, 1 as n from {{ synthohive.table_reference(reference) }} {% if reference_where %}where {{ reference_where }}{% endif %}{% endset -%}
  select
    0.5 * sum(abs(cs * nr - cr * ns)) / nullif(max(ns) * max(nr), 0) as value,
    coalesce(max(ns), 0) as n_rows,
    coalesce(max(nr), 0) as n_reference
  from (
    select cs, cr, sum(cs) over () as ns, sum(cr) over () as nr
    from ({{ synthohive.value_counts(left, right) }}) c
  ) shares
{%- endmacro %}
