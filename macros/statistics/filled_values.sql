{#-
  A query of (v, n), n being 1: the values of `column` that are neither NULL nor NaN.
  `kind` is what column_kind says; where it is unknown, NaN is told by its text.
-#}
{% macro filled_values(relation, column, kind, where=none, expression=none) %}
  {%- set nan -%}
    {%- if kind == "float" -%}
      and not ({{ synthohive.is_nan(column) }})
    {%- elif kind == "unknown" -%}
      and lower({{ synthohive.as_text(column) }}) <> 'nan'
    {%- endif -%}
  {%- endset -%}
  select {{ expression or column }} as v, 1 as n from {{ relation }}
  where {{ column }} is not null {{ nan }} {% if where %}and ({{ where }}){% endif %}
{%- endmacro %}
