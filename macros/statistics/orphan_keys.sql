{#-
  The complete keys (no NULL in them: MATCH SIMPLE) that lead to no row of `to`, with the number of their
  rows as `orphan_rows`. NOT EXISTS is an anti-join on every engine, composite keys included.
-#}
{% macro orphan_keys(child, columns, to, to_columns) %}
  select {{ columns | join(", ") }}, count(*) as orphan_rows
  from (select * from {{ synthohive.table_reference(child) }}) c
  where {% for column in columns %}c.{{ column }} is not null and {% endfor %}
  not exists (
    select 1 from (select * from {{ synthohive.table_reference(to) }}) p
    where {% for column in to_columns %}p.{{ column }} = c.{{ columns[loop.index0] }}{% if not loop.last %} and {% endif %}{% endfor %}
  )
  group by {{ columns | join(", ") }}
{%- endmacro %}
