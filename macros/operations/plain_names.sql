{#- Names of columns without the quotes in which SQL has them. -#}
{% macro plain_names(columns) %}
  {{- return(columns | map("replace", '"', "") | map("replace", "`", "") | list) -}}
{% endmacro %}
