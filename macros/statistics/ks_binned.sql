{#-
  KS of a numeric column, date or timestamp without sorting it: one row (value, lower_bound,
  upper_bound, n_rows, n_reference), in which `value` is on the same side of `limit` as the exact
  statistic.

  1. All rows fall into `bins` intervals of equal width over the reference's range (cut at eight
     standard deviations). At the intervals' edges the difference of the two distribution functions is exact:
     its maximum is a lower bound.
  2. Inside an interval that holds a share s of the candidate and r of the reference the difference
     cannot leave [start - s, start + r]: an upper bound.
  3. Where the lower bound passes `limit`, the verdict stands. Else only intervals whose upper bound
     passes `limit` can change it; their rows, a handful as a rule, are sorted and searched, by the values
     themselves: as floats, by which rows find their interval, those beyond 2^53 are not told apart.
-#}
{% macro ks_binned(candidate, reference, column, reference_column=none, where=none, reference_where=none, kind="unknown", limit=0, bins=4096, reference_kind=none) %}
  {%- set left = synthohive.filled_values(candidate, column, kind, where, synthohive.as_number(column, kind)) -%}
  {%- set right_column, right_kind = reference_column or column, reference_kind or kind -%}
  {%- set right = synthohive.filled_values(reference, right_column, right_kind, reference_where, synthohive.as_number(right_column, right_kind)) -%}
  {%- set rows -%}
    select v, s, r, coalesce({{ synthohive.as_integer("floor(greatest(least((x - lo) / width, " ~ (bins - 1) ~ "), 0))") }}, 0) as bin
    from (
      select v, x, 1 as s, 0 as r from ({{ left }}) a
      union all
      select v, x, 0 as s, 1 as r from ({{ right }}) b
    ) u
    cross join extent
  {%- endset -%}
  with extent as (
    select lo, nullif((hi - lo) / {{ bins }}, 0) as width
    from (
      select
        greatest(min(x), avg(x) - 8 * stddev(x)) as lo,
        least(max(x), avg(x) + 8 * stddev(x)) as hi
      from ({{ right }}) reference_values
      where x between -1e150 and 1e150
    ) clipped
  ),
  counted as (
    select bin, {{ synthohive.as_double("sum(s)") }} as cs, {{ synthohive.as_double("sum(r)") }} as cr
    from ({{ rows }}) x
    group by bin
  ),
  running as (
    select
      bin, cs, cr,
      sum(cs) over (order by bin rows unbounded preceding) as rs,
      sum(cr) over (order by bin rows unbounded preceding) as rr,
      sum(cs) over () as ns,
      sum(cr) over () as nr
    from counted
  ),
  gaps as (
    select
      bin, cs, cr, ns, nr, rs - cs as before_s, rr - cr as before_r,
      abs(rr / nullif(nr, 0) - rs / nullif(ns, 0)) as edge,
      greatest(rr / nullif(nr, 0) - (rs - cs) / nullif(ns, 0), rs / nullif(ns, 0) - (rr - cr) / nullif(nr, 0)) as inside
    from running
  ),
  edges as (
    select max(edge) as lower_bound, max(ns) as ns, max(nr) as nr from gaps
  ),
  unsure as (
    select gaps.* from gaps cross join edges
    where gaps.cs > 0 and gaps.cr > 0 and gaps.inside > {{ limit }} and edges.lower_bound <= {{ limit }}
  ),
  searched as (
    select max(abs((before_r + rr) / nr - (before_s + rs) / ns)) as value
    from (
      select
        before_s, before_r, ns, nr,
        sum(cs) over (partition by bin order by v rows unbounded preceding) as rs,
        sum(cr) over (partition by bin order by v rows unbounded preceding) as rr
      from (
        select unsure.bin, x.v, unsure.before_s, unsure.before_r, unsure.ns, unsure.nr,
          {{ synthohive.as_double("sum(x.s)") }} as cs, {{ synthohive.as_double("sum(x.r)") }} as cr
        from ({{ rows }}) x
        join unsure on unsure.bin = x.bin
        group by unsure.bin, x.v, unsure.before_s, unsure.before_r, unsure.ns, unsure.nr
      ) grouped
    ) stepped
  ),
  left_open as (
    select max(gaps.inside) as upper_bound
    from gaps
    where gaps.cs > 0 and gaps.cr > 0
      and not exists (select 1 from unsure where unsure.bin = gaps.bin)
  )
  select
    {% for name, bounds in [("value", ""), ("lower_bound", ""), ("upper_bound", ", coalesce(left_open.upper_bound, 0)")] %}
    case when edges.lower_bound is not null then greatest(edges.lower_bound, coalesce(searched.value, 0){{ bounds }}) end as {{ name }},
    {% endfor %}
    coalesce(edges.ns, 0) as n_rows,
    coalesce(edges.nr, 0) as n_reference
  from edges cross join searched cross join left_open
{%- endmacro %}
