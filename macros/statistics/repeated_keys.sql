{#- The keys that more than one row has, with the number of their rows as `key_rows`. NULLs: see unique_key. -#}
{% macro repeated_keys(relation, columns, allow_nulls=true) %}
  {%- set some_null -%}
    ({% for column in columns %}{{ column }} is null{% if not loop.last %} or {% endif %}{% endfor %})
  {%- endset -%}
  select {{ columns | join(", ") }}, count(*) as key_rows
  from (select * from {{ relation }}) k
  {% if allow_nulls %}where not {{ some_null }}{% endif %}
  group by {{ columns | join(", ") }}
  having count(*) > 1 {% if not allow_nulls %}or {{ some_null }}{% endif %}
{%- endmacro %}
