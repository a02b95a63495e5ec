{#-
  Distance of the distributions of `column` within each group of `by`, averaged over the groups by
  their share of the reference: one row (value, n_rows, n_reference, group_value), the last being the group
  that is furthest, unless `hide_group`. Groups of fewer than `min_group_rows` rows in the reference are left out. With `join` (to,
  reference_to, columns, to_columns) `by` is a column of the parent.
-#}
{% macro conditional(candidate, reference, column, by, reference_column=none, reference_by=none, join=none, measure="tvd", min_group_rows=30, reference_where=none, kind="unknown", reference_kind=none, hide_group=false) %}
  {%- set left = synthohive.grouped_values(candidate, column, by, join, join.to if join else none, none, measure, kind) -%}
  {%- set right = synthohive.grouped_values(reference, reference_column or column, reference_by or by, join, join.reference_to if join else none, reference_where, measure, reference_kind or kind) -%}
  with distances as ({{ synthohive.group_distances(left, right, measure) }}),
  ranked as (
    select
      g, ns, nr, distance,
      row_number() over (order by case when nr >= {{ min_group_rows }} then distance else -1 end desc, nr desc) as place
    from distances
  )
  select
    case when sum(ns) > 0 then sum(case when nr >= {{ min_group_rows }} then distance * nr end)
      / sum(case when nr >= {{ min_group_rows }} then nr end) end as value,
    coalesce(sum(ns), 0) as n_rows,
    coalesce(sum(nr), 0) as n_reference,
    {% if hide_group %}{{ synthohive.as_text("null") }}{% else %}max(case when place = 1 and nr >= {{ min_group_rows }} then {{ synthohive.as_text("g") }} end){% endif %} as group_value
  from ranked
{%- endmacro %}
