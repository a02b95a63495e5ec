{#-
  The two-sample Kolmogorov-Smirnov statistic of a query of (v, cs, cr): the largest difference of
  the two empirical distribution functions. Equal values are one step, so ties come out right.
-#}
{% macro ks_of_counts(counts) %}
  select
    max(abs(rs / nullif(ns, 0) - rr / nullif(nr, 0))) as value,
    coalesce(max(ns), 0) as n_rows,
    coalesce(max(nr), 0) as n_reference
  from (
    select
      sum(cs) over (order by v rows unbounded preceding) as rs,
      sum(cr) over (order by v rows unbounded preceding) as rr,
      sum(cs) over () as ns,
      sum(cr) over () as nr
    from ({{ counts }}) c
  ) running
{%- endmacro %}
