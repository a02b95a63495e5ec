{#- Share of the candidate's rows with a value that the reference does not have. NULLs are left out. -#}
{% macro outside_domain(candidate, reference, column, reference_column=none, where=none, reference_where=none) %}
  select
    case when sum(cr) > 0 then sum(case when cr = 0 then cs else 0 end) / nullif(sum(cs), 0) end as value,
    coalesce(sum(cs), 0) as n_rows,
    coalesce(sum(cr), 0) as n_reference
  from ({{ synthohive.value_counts(
    synthohive.filled_values(candidate, column, "text", where),
    synthohive.filled_values(reference, reference_column or column, "text", reference_where)
  ) }}) counts
{%- endmacro %}
