{#- A query of (g, v): the group and the value of each row; `by` is a column of `to` where there is one. -#}
{% macro grouped_values(relation, column, by, join, to, where, measure, kind) %}
  {%- set tested -%}
    select * from {{ synthohive.table_reference(relation) }}
    where {% if measure == "ks" %}{{ synthohive.is_filled(column, kind) }}{% else %}1 = 1{% endif %}
    {% if where %}and ({{ where }}){% endif %}
  {%- endset -%}
  {%- if to -%}
    select p.{{ by }} as g, c.{{ column }} as v
    from ({{ tested }}) c
    join (select * from {{ synthohive.table_reference(to) }}) p on {% for name in join.columns %}p.{{ join.to_columns[loop.index0] }} = c.{{ name }}{% if not loop.last %} and {% endif %}{% endfor %}
  {%- else -%}
    select {{ by }} as g, {{ column }} as v from ({{ tested }}) c
  {%- endif -%}
{% endmacro %}
