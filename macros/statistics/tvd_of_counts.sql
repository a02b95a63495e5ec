{#-
  The total variation distance of a query of (cs, cr), half the sum of |p - q| over all of its rows. Shares are not divided
  before they are added up: rounded, they would pass 1.
-#}
{% macro tvd_of_counts(counts) %}
  select
    0.5 * sum(abs(cs * nr - cr * ns)) / nullif(max(ns) * max(nr), 0) as value,
    coalesce(max(ns), 0) as n_rows,
    coalesce(max(nr), 0) as n_reference
  from (
    select cs, cr, sum(cs) over () as ns, sum(cr) over () as nr
    from ({{ counts }}) c
  ) shares
{%- endmacro %}
