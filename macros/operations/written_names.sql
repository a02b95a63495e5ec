{#- Names as one writes them in a properties file: quoted only where they have to be. -#}
{% macro written_names(names) %}
  {%- set found = [] -%}
  {%- for name in names -%}
    {%- do found.append(adapter.quote(name) if synthohive.needs_quotes(name) else name) -%}
  {%- endfor -%}
  {{ return(found) }}
{% endmacro %}
