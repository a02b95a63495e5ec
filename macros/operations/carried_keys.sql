{#-
  The keys of a schema's tables that tests of models over them state, in the form of declared_keys, as far as
  columns are only renamed on the way and all rows agree.
-#}
{% macro carried_keys(place, tables) %}
  {%- set keys = [] -%}
  {%- for test in synthohive.key_tests() if not (test.child.kind in ("source", "seed") and (not test.parent or test.parent.kind in ("source", "seed"))) -%}
    {%- set own = synthohive.origin_columns(test.child, test.columns, place, tables) -%}
    {%- if own and not test.parent -%}
      {%- do keys.append({"table": own.table, "type": "unique", "columns": own.columns, "to": none, "to_columns": []}) -%}
    {%- elif own -%}
      {%- set there = synthohive.origin_columns(test.parent, test.to_columns, place, tables) -%}
      {%- if there and (own.table, own.columns) != (there.table, there.columns) -%}
        {%- do keys.append({"table": own.table, "type": "foreign", "columns": own.columns, "to": there.table, "to_columns": there.columns}) -%}
      {%- endif -%}
    {%- endif -%}
  {%- endfor -%}
  {%- set proven = [] -%}
  {%- for key in keys if key not in proven and synthohive.key_holds(key, tables) -%}{%- do proven.append(key) -%}{%- endfor -%}
  {{ return(proven) }}
{% endmacro %}
