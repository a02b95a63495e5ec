{#-
  Population stability index, the sum over bins of (p - q) ln(p / q), the bins being the
  quantiles of the reference (inverse of its distribution function, closed on the right; a value that fills a whole
  bin is one of its own): one row (value, n_rows, n_reference). A share of zero counts as `epsilon`.
-#}
{% macro psi(candidate, reference, column, reference_column=none, where=none, reference_where=none, kind="unknown", bins=10, epsilon=0.0001, reference_kind=none) %}
  {%- set counts = synthohive.value_counts(
    synthohive.filled_values(candidate, column, kind, where),
    synthohive.filled_values(reference, reference_column or column, reference_kind or kind, reference_where)
  ) -%}
  with running as (
    select
      cs, cr,
      sum(cr) over (order by v rows unbounded preceding) as rr,
      sum(cs) over () as ns,
      sum(cr) over () as nr
    from ({{ counts }}) c
  ),
  placed as (
    select cs, cr, ns, nr, {{ synthohive.quantile_place("rr - cr", "rr", "nr", bins) }} as place
    from running
  ),
  shares as (
    {{ synthohive.psi_shares("placed", ["place"], epsilon) }}
  )
  select
    case when max(ns) > 0 and max(nr) > 0 then sum((p - q) * ln(p / q)) end as value,
    coalesce(max(ns), 0) as n_rows,
    coalesce(max(nr), 0) as n_reference
  from shares
{%- endmacro %}
