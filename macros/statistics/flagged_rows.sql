{#- The given columns as c1, c2, ... beside two flags, without the rows in which all are NULL. -#}
{% macro flagged_rows(relation, columns, s, r, where) %}
  select {% for column in columns %}{{ column }} as c{{ loop.index }}, {% endfor %}{{ s }} as s, {{ r }} as r
  from {{ synthohive.table_reference(relation) }}
  where ({% for column in columns %}{{ column }} is not null{% if not loop.last %} or {% endif %}{% endfor %})
  {% if where %}and ({{ where }}){% endif %}
{%- endmacro %}
