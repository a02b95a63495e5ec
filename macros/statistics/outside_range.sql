{#- Share of the candidate's values below the least or above the greatest one of the reference. -#}
{% macro outside_range(candidate, reference, column, reference_column=none, where=none, reference_where=none, kind="unknown", reference_kind=none) %}
  select
    case when max(b.n) > 0 then {{ synthohive.as_double("sum(case when a.v < b.lo or a.v > b.hi then 1 else 0 end)") }} / nullif(count(*), 0) end as value,
    count(*) as n_rows,
    coalesce(max(b.n), 0) as n_reference
  from ({{ synthohive.filled_values(candidate, column, kind, where) }}) a
  cross join (
    select min(v) as lo, max(v) as hi, count(*) as n
    from ({{ synthohive.filled_values(reference, reference_column or column, reference_kind or kind, reference_where) }}) r
  ) b
{%- endmacro %}
