{#-
  KS of a column against a stored profile, `edges` being a query of what profile_edges gives: one row (value, n_rows,
  n_reference). At the edges, and just below them, the difference of the distribution functions is exact; between
  two of them it is at most 1 / bins larger. So the value is never too large, and at most 1 / bins too small.
-#}
{% macro stored_ks(candidate, column, edges, kind="unknown") %}
  select
    max(case when n_up_to is not null then greatest(
      abs(rs / nullif(ns, 0) - n_up_to / nr), abs((rs - cs) / nullif(ns, 0) - n_below / nr)
    ) end) as value,
    coalesce(max(ns), 0) as n_rows,
    coalesce(max(nr), 0) as n_reference
  from (
    select
      cs, n_below, n_up_to,
      sum(cs) over (order by v rows unbounded preceding) as rs,
      sum(cs) over () as ns,
      max(n_up_to) over () as nr
    from (
      select v, {{ synthohive.as_double("sum(s)") }} as cs, max(n_below) as n_below, max(n_up_to) as n_up_to
      from (
        select x as v, n as s, {{ synthohive.as_double("null") }} as n_below, {{ synthohive.as_double("null") }} as n_up_to
        from ({{ synthohive.filled_values(candidate, column, kind, none, synthohive.as_number(column, kind)) }}) filled
        union all
        select edge, 0, n_below, n_up_to from ({{ edges }}) edges
      ) u
      group by v
    ) counts
  ) running
{%- endmacro %}
