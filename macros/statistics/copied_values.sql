{#-
  Number of distinct values that both sides have: one row (value, n_rows, n_reference).
  The values themselves are not shown: they may be a person's.
-#}
{% macro copied_values(candidate, reference, column, reference_column=none, where=none, reference_where=none) %}
  select
    case when s.n > 0 and r.n > 0 then shared.n end as value,
    s.n as n_rows,
    r.n as n_reference
  from (select count(*) as n from {{ synthohive.table_reference(candidate) }} {% if where %}where {{ where }}{% endif %}) s
  cross join (select count(*) as n from {{ synthohive.table_reference(reference) }} {% if reference_where %}where {{ reference_where }}{% endif %}) r
  cross join (
    select count(*) as n
    from ({{ synthohive.value_counts(
      synthohive.filled_values(candidate, column, "text", where),
      synthohive.filled_values(reference, reference_column or column, "text", reference_where)
    ) }}) counts
    where cs > 0 and cr > 0
  ) shared
{%- endmacro %}
