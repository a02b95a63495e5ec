{#-
  Expressions of text as one, with marks between them that tell NULL from ''. CONCAT takes two arguments on Redshift
  and skips NULL on some engines; || is OR on MySQL.
-#}
{% macro joined_text(expressions) %}
  {%- set found = [] -%}
  {%- for expression in expressions -%}
    {%- set marked = "case when " ~ expression ~ " is null then '|' else concat('|=', " ~ expression ~ ") end" -%}
    {%- do found.append("concat(" ~ found[-1] ~ ", " ~ marked ~ ")" if found else marked) -%}
  {%- endfor -%}
  {{ return(found[-1]) }}
{% endmacro %}
