{#-
  Population stability index, the sum over bins of (p - q) ln(p / q), the bins being the
  quantiles of the reference (inverse of its distribution function, closed on the right): one row
  (value, n_rows, n_reference). A share of zero counts as `epsilon`.
-#}
{% macro psi(candidate, reference, column, reference_column=none, where=none, reference_where=none, kind="unknown", bins=10, epsilon=0.0001) %}
  {%- set counts = synthohive.value_counts(
    synthohive.filled_values(candidate, column, kind, where),
    synthohive.filled_values(reference, reference_column or column, kind, reference_where)
  ) -%}
  with running as (
    select
      cs, cr,
      sum(cr) over (order by v rows unbounded preceding) - cr as cr_before,
      sum(cs) over () as ns,
      sum(cr) over () as nr
    from ({{ counts }}) c
  ),
  binned as (
    select
      least(floor({{ bins }} * cr_before / nullif(nr, 0)), {{ bins - 1 }}) as bin,
      max(ns) as ns, max(nr) as nr,
      case when sum(cs) = 0 then {{ epsilon }} else sum(cs) / nullif(max(ns), 0) end as p,
      case when sum(cr) = 0 then {{ epsilon }} else sum(cr) / nullif(max(nr), 0) end as q
    from running
    group by least(floor({{ bins }} * cr_before / nullif(nr, 0)), {{ bins - 1 }})
  )
  select
    case when max(ns) > 0 and max(nr) > 0 then sum((p - q) * ln(p / q)) end as value,
    coalesce(max(ns), 0) as n_rows,
    coalesce(max(nr), 0) as n_reference
  from binned
{%- endmacro %}
