{#-
  CTEs that bound the Kolmogorov-Smirnov statistic of each check i from the rows counted by interval
  (`running`: i, bin, cs, cr, before_s, before_r, ns, nr, allowed).

  At the intervals' edges the difference of the two distribution functions is exact: its maximum is a
  lower bound. Inside an interval that holds a share s of the candidate and r of the reference it cannot
  leave [start - s, start + r]: an upper bound. Only intervals whose upper bound passes `allowed` can change
  a verdict that the edges have not given: `is_open` is 1 there, and their rows are searched.
-#}
{% macro ks_bounds(ids) %}
  ks_gaps as (
    select
      i, bin, cs, cr, before_s, before_r, ns, nr, allowed,
      abs((before_r + cr) / nullif(nr, 0) - (before_s + cs) / nullif(ns, 0)) as edge,
      case when cs > 0 and cr > 0 then greatest(
        (before_r + cr) / nr - before_s / ns,
        (before_s + cs) / ns - before_r / nr
      ) end as inside
    from running
    where i in ({{ ids | join(", ") }})
  ),
  ks_intervals as (
    select
      i, bin, before_s, before_r, ns, nr, inside, lower_bound,
      case when inside > allowed and lower_bound <= allowed then 1 else 0 end as is_open
    from (
      select i, bin, before_s, before_r, ns, nr, allowed, inside, max(edge) over (partition by i) as lower_bound
      from ks_gaps
    ) g
  ),
  ks_bounds as (
    select
      i, max(lower_bound) as lower_bound, max(ns) as ns, max(nr) as nr,
      case when max(lower_bound) is not null then greatest(max(lower_bound), coalesce(max(case when is_open = 0 then inside end), 0)) end as upper_bound
    from ks_intervals
    group by i
  )
{%- endmacro %}
