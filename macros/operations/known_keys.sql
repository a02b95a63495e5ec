{#- The keys of a schema, declared by the warehouse or stated by the project's tests, each once. -#}
{% macro known_keys(place) %}
  {%- set keys = {} -%}
  {%- for key in synthohive.declared_keys(place) + synthohive.tested_keys(place) -%}
    {%- set name = (key.table, "foreign" if key.type == "foreign" else "unique", key.columns | join("|"), key.to) -%}
    {%- if name not in keys -%}
      {%- do keys.update({name: key}) -%}
    {%- endif -%}
  {%- endfor -%}
  {{ return(keys.values() | list) }}
{% endmacro %}
