{#-
  Several statistics of the columns of two relations, which are read once each, all columns together (the
  reference once more, for the intervals of numbers): a row (i, allowed, value, lower_bound, upper_bound,
  n_rows, n_reference) for each check. `value` is on the same side of the check's limit as the exact statistic, which lies
  within the bounds.

  A check is {id, key, column, reference_column, kind, reference_kind, statistic, limit}: "ks" or "psi" of numbers, dates and
  timestamps, by counts in `intervals` (see ks_bounds and psi_bounds); "tvd" or "domain", by counts of values; or
  "null_rate". Checks that count a column the same way have the key of the first of them.
-#}
{% macro column_drifts(candidate, reference, checks, where=none, reference_where=none, intervals=4096, bins=10, epsilon=0.0001) %}
  {%- set counted_by = {"ks": "bin", "psi": "bin", "tvd": "value", "domain": "value", "null_rate": "null"} -%}
  {%- set keys, reference_keys = [], [] -%}
  {%- for check in checks if check.id == check.key -%}
    {%- set key = {"id": check.key, "by": counted_by[check.statistic]} -%}
    {%- do keys.append(dict(key, column=check.column, kind=check.kind)) -%}
    {%- do reference_keys.append(dict(key, column=check.reference_column, kind=check.reference_kind)) -%}
  {%- endfor -%}
  {%- set binned = checks | selectattr("statistic", "in", ["ks", "psi"]) | list -%}
  {%- set places = "places" if binned else none -%}
  {%- set values = keys | selectattr("by", "equalto", "value") | map(attribute="id") | list -%}
  {%- set v -%}{% for id in values %}, v_{{ id }}{% endfor %}{%- endset -%}
  with checks as (
    {% for check in checks %}
    select {{ check.id }} as i, {{ check.key }} as k, {{ synthohive.as_double(check.limit) }} as allowed
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
  ),
  {% if binned %}
  places as (
    {{ synthohive.bin_places(reference, reference_keys | selectattr("by", "equalto", "bin") | list, reference_where, intervals) }}
  ),
  {% endif %}
  counts as (
    select
      k, bin, case when bin >= 0 then 1 else 0 end as filled,
      {{ synthohive.as_double("sum(s)") }} as cs, {{ synthohive.as_double("sum(r)") }} as cr
    from (
      select k, bin{{ v }}, n as s, 0 as r from ({{ synthohive.key_counts(candidate, keys, where, places, intervals) }}) a
      union all
      select k, bin{{ v }}, 0 as s, n as r from ({{ synthohive.key_counts(reference, reference_keys, reference_where, places, intervals) }}) b
    ) u
    group by k, bin{{ v }}
  ),
  {{ synthohive.ordered_drifts(candidate, reference, binned, where, reference_where, intervals, bins, epsilon) if binned }}
  found as (
    {% set found = [] %}
    {%- for statistic, query in [("ks", synthohive.ks_found()), ("psi", synthohive.psi_found(bins, epsilon))] if binned | selectattr("statistic", "equalto", statistic) | list -%}
      {%- do found.append(query) -%}
    {%- endfor -%}
    {%- if checks | length > binned | length -%}
      {%- do found.append(synthohive.categorical_found(checks)) -%}
    {%- endif -%}
    {{ found | join(" union all ") }}
  )
  select
    c.i, c.allowed, f.value, f.lower_bound, f.upper_bound, coalesce(f.n_rows, 0) as n_rows, coalesce(f.n_reference, 0) as n_reference
  from checks c
  left join found f on f.i = c.i
{%- endmacro %}
