{#- The keys that the project's own tests of a schema's tables state (see key_tests), in the form of declared_keys. -#}
{% macro tested_keys(place) %}
  {%- set keys = [] -%}
  {%- for test in synthohive.key_tests() if test.child.schema == place.schema -%}
    {%- if not test.parent -%}
      {%- do keys.append({"table": test.child.identifier, "type": "unique", "columns": test.columns, "to": none, "to_columns": []}) -%}
    {%- elif test.parent.schema == place.schema -%}
      {%- do keys.append({"table": test.child.identifier, "type": "foreign", "columns": test.columns, "to": test.parent.identifier, "to_columns": test.to_columns}) -%}
    {%- endif -%}
  {%- endfor -%}
  {{ return(keys) }}
{% endmacro %}
