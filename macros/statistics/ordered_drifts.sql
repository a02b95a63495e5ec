{#-
  The CTEs of column_drifts for "ks" and "psi": bounds by counts in intervals, and the rows of those intervals
  that could change a verdict, sorted.
-#}
{% macro ordered_drifts(candidate, reference, checks, where, reference_where, intervals, bins, epsilon) %}
  {%- set ids = {"ks": [], "psi": []} -%}
  {%- for check in checks -%}
    {%- do ids[check.statistic].append(check.id) -%}
  {%- endfor -%}
  running as (
    select
      c.i, c.allowed, x.bin, x.cs, x.cr,
      sum(x.cs) over (partition by c.i order by x.bin rows unbounded preceding) - x.cs as before_s,
      sum(x.cr) over (partition by c.i order by x.bin rows unbounded preceding) - x.cr as before_r,
      sum(x.cs) over (partition by c.i) as ns,
      sum(x.cr) over (partition by c.i) as nr
    from counts x
    join checks c on c.k = x.k
    where x.bin >= 0 and c.i in ({{ checks | map(attribute="id") | join(", ") }})
  ),
  {% if ids.ks %}{{ synthohive.ks_bounds(ids.ks) }},{% endif %}
  {% if ids.psi %}{{ synthohive.psi_bounds(ids.psi, bins, epsilon) }},{% endif %}
  open_intervals as (
    {% if ids.ks %}
    select i, bin, before_s, before_r, ns, nr from ks_intervals where is_open = 1
    {% endif %}
    {% if ids.ks and ids.psi %}union all{% endif %}
    {% if ids.psi %}
    select x.i, x.bin, x.before_s, x.before_r, x.ns, x.nr
    from psi_intervals x
    join psi_bounds b on b.i = x.i
    where b.is_open = 1 and (x.is_whole = 1 or x.j < x.next_j)
    {% endif %}
  ),
  searched as (
    {% for check in checks %}
    {{ synthohive.searched_rows(candidate, reference, check, where, reference_where, intervals) }}
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
  ),
{% endmacro %}
