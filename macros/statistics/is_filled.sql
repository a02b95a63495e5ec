{#-
  A condition: the column is neither NULL nor NaN. `kind` is what column_kind says; where it is unknown, NaN is
  told by its text.
-#}
{% macro is_filled(column, kind) %}
  {{- column }} is not null
  {%- if kind == "float" %} and not ({{ synthohive.is_nan(column) }})
  {%- elif kind == "unknown" %} and lower({{ synthohive.as_text(column) }}) <> 'nan'
  {%- endif -%}
{% endmacro %}
