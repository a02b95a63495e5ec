{#-
  A query of (g, ns, nr, distance): each group of two queries of (g, v), its rows on both sides, and the distance of
  the distributions of v within it, total variation ("tvd") or Kolmogorov-Smirnov's ("ks"). A group that the
  candidate lacks is at 1.
-#}
{% macro group_distances(left, right, measure) %}
  {%- set part = "partition by " ~ synthohive.partition_key("g") -%}
  select
    g, max(ns) as ns, max(nr) as nr,
    case when max(ns) = 0 then 1 else
      {% if measure == "ks" %}max{% else %}0.5 * sum{% endif %}(abs(rs * nr - rr * ns)) / nullif(max(ns) * max(nr), 0)
    end as distance
  from (
    select
      g, cs, cr,
      sum(cs) over ({{ part }}) as ns,
      sum(cr) over ({{ part }}) as nr,
      {% if measure == "ks" %}
      sum(cs) over ({{ part }} order by v rows unbounded preceding) as rs,
      sum(cr) over ({{ part }} order by v rows unbounded preceding) as rr
      {% else %}
      cs as rs,
      cr as rr
      {% endif %}
    from (
      select g, v, {{ synthohive.as_double("sum(s)") }} as cs, {{ synthohive.as_double("sum(r)") }} as cr
      from (
        select g, v, 1 as s, 0 as r from ({{ left }}) a
        union all
        select g, v, 0 as s, 1 as r from ({{ right }}) b
      ) u
      group by g, v
    ) counts
  ) shares
  group by g
{%- endmacro %}
