{#- A query of two columns, kept under their names, without the rows where one is NULL or NaN. -#}
{% macro filled_pairs(relation, column, other, kind, other_kind, where=none) %}
  select {{ column }}, {{ other }} from {{ relation }}
  where {{ column }} is not null and {{ other }} is not null
  {% if kind in ("float", "unknown") %}and not ({{ synthohive.is_nan(synthohive.as_double(column)) }}){% endif %}
  {% if other_kind in ("float", "unknown") %}and not ({{ synthohive.is_nan(synthohive.as_double(other)) }}){% endif %}
  {% if where %}and ({{ where }}){% endif %}
{%- endmacro %}
