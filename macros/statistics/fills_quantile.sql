{#- A condition: from `before` to `after` rows of `total` a whole one of `bins` equal shares lies. -#}
{% macro fills_quantile(before, after, total, bins) %}
  {%- set share = "nullif(" ~ total ~ ", 0)" -%}
  ceil({{ bins }} * ({{ before }}) / {{ share }}) + 1 <= floor({{ bins }} * ({{ after }}) / {{ share }})
{%- endmacro %}
