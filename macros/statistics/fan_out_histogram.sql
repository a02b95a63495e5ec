{#- A query of (v, n): n parents have v children. -#}
{% macro fan_out_histogram(child, columns, to, to_columns, where=none) %}
  select coalesce(k.children, 0) as v, count(*) as n
  from (select * from {{ synthohive.table_reference(to) }}) p
  left join (
    select {{ columns | join(", ") }}, count(*) as children
    from {{ synthohive.table_reference(child) }} {% if where %}where {{ where }}{% endif %}
    group by {{ columns | join(", ") }}
  ) k on {% for column in columns %}k.{{ column }} = p.{{ to_columns[loop.index0] }}{% if not loop.last %} and {% endif %}{% endfor %}
  group by coalesce(k.children, 0)
{%- endmacro %}
