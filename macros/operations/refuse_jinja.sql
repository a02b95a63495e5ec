{#- Stop where dbt would run a name as Jinja, or end a string in it, when it reads the file that holds it. -#}
{% macro refuse_jinja(names, in_a_call=false) %}
  {%- set opening, quotes = ["{" ~ "{", "{" ~ "%", "{" ~ "#"], ["'", '"', "\\", "\n", "\r"] -%}
  {%- for name in names -%}
    {%- for mark in opening + (quotes if in_a_call else []) if mark in name -%}
      {{ exceptions.raise_compiler_error("The name '" ~ name ~ "' cannot stand in a properties file. Rename it, or leave the table out") }}
    {%- endfor -%}
  {%- endfor -%}
{% endmacro %}
