{#- Whether a column, or an expression over columns, has to do with what a relation's project marks as personal data. -#}
{% macro is_personal(relation, expression) %}
  {%- if execute and relation is defined and relation is not string -%}
    {%- for name in synthohive.personal_columns(relation) if name | lower in expression | lower -%}
      {{ return(true) }}
    {%- endfor -%}
  {%- endif -%}
  {{ return(false) }}
{% endmacro %}
