{#-
  Share of the candidate's rows that equal a row of the reference in all `columns`, NULL equalling
  NULL: one row (value, n_rows, n_reference). Rows of nothing but NULLs are left out.
-#}
{% macro copied_rows(candidate, reference, columns, reference_columns=none, where=none, reference_where=none) %}
  select
    case when sum(cr) > 0 then sum(case when cr > 0 then cs else 0 end) / nullif(sum(cs), 0) end as value,
    coalesce(sum(cs), 0) as n_rows,
    coalesce(sum(cr), 0) as n_reference
  from (
    select {{ synthohive.as_double("sum(s)") }} as cs, {{ synthohive.as_double("sum(r)") }} as cr
    from (
      {{ synthohive.flagged_rows(candidate, columns, 1, 0, where) }}
      union all
      {{ synthohive.flagged_rows(reference, reference_columns or columns, 0, 1, reference_where) }}
    ) u
    group by {% for column in columns %}c{{ loop.index }}{% if not loop.last %}, {% endif %}{% endfor %}
  ) counts
{%- endmacro %}
