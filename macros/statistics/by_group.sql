{#-
  The distance of each group of `by` with at least `min_group_rows` rows in the reference: a row (value, n_rows,
  n_reference, group_value) each, or one without a value if there is no such group. `by` is a column or an
  expression; with `hide_group` the group is not told.
-#}
{% macro by_group(candidate, reference, column, by, reference_column=none, reference_by=none, measure="tvd", min_group_rows=30, reference_where=none, kind="unknown", hide_group=false, reference_kind=none) %}
  {%- set left = synthohive.grouped_values(candidate, column, by, none, none, none, measure, kind) -%}
  {%- set right = synthohive.grouped_values(reference, reference_column or column, reference_by or by, none, none, reference_where, measure, reference_kind or kind) -%}
  with distances as ({{ synthohive.group_distances(left, right, measure) }})
  select value, n_rows, n_reference, group_value
  from (
    select distance as value, ns as n_rows, nr as n_reference, {{ synthohive.as_text("null" if hide_group else "g") }} as group_value
    from distances
    where nr >= {{ min_group_rows }}
    union all
    select {{ synthohive.as_double("null") }}, coalesce(ns, 0), coalesce(nr, 0), {{ synthohive.as_text("null") }}
    from (
      select sum(ns) as ns, sum(nr) as nr, sum(case when nr >= {{ min_group_rows }} then 1 else 0 end) as kept
      from distances
    ) totals
    where coalesce(kept, 0) = 0
  ) compared
{%- endmacro %}
