{#-
  The keys of a schema's tables, each once: declared by the warehouse, stated by the project's tests of them, or
  by its tests of models over them.
-#}
{% macro known_keys(place, tables) %}
  {%- set keys = {} -%}
  {%- for key in synthohive.declared_keys(place) + synthohive.tested_keys(place) + synthohive.carried_keys(place, tables) -%}
    {%- set name = (key.table, "foreign" if key.type == "foreign" else "unique", key.columns | join("|"), key.to) -%}
    {%- if name not in keys -%}
      {%- do keys.update({name: key}) -%}
    {%- endif -%}
  {%- endfor -%}
  {%- if not keys.values() | selectattr("type", "equalto", "foreign") | list -%}
    {%- do synthohive.warn_without_keys(place) -%}
  {%- endif -%}
  {{ return(keys.values() | list) }}
{% endmacro %}
