{#-
  Print a properties file with the keys of a schema's tables that names, or tests of models, and all rows
  support, and that are not stated yet.

    dbt run-operation --quiet synthohive.suggest_keys --args '{schema: raw}'
-#}
{% macro suggest_keys(schema=none) %}
  {%- set tables = synthohive.schema_tables(schema) -%}
  {%- set place = synthohive.schema_place(schema) -%}
  {%- set stated = synthohive.declared_keys(place) + synthohive.tested_keys(place) -%}
  {%- set facts = {} -%}
  {%- for table in tables -%}{%- do facts.update({table: synthohive.column_facts(tables[table])}) -%}{%- endfor -%}
  {%- set known = stated + synthohive.carried_keys(place, tables) -%}
  {%- set known = known + synthohive.named_unique_keys(tables, facts, known) -%}
  {%- set known = known + synthohive.named_foreign_keys(tables, facts, known) -%}
  {%- set new = [] -%}
  {%- for key in known if key not in stated and key not in new -%}
    {%- do new.append(key) -%}
    {%- set parent = {"table": key.to, "type": "unique", "columns": key.to_columns, "to": none, "to_columns": []} -%}
    {%- if key.to and not (known + new) | rejectattr("type", "equalto", "foreign") | selectattr("table", "equalto", key.to) | selectattr("columns", "equalto", key.to_columns) | list -%}
      {%- do new.append(parent) -%}
    {%- endif -%}
  {%- endfor -%}
  {{ print("# " ~ new | length ~ " keys of " ~ place.schema ~ " that names, or tests of models, and all rows support, besides " ~ stated | length ~ " stated ones.") }}
  {%- if new -%}
    {{ print(toyaml(synthohive.key_properties(new, place, facts), sort_keys=false)) }}
  {%- endif -%}
{% endmacro %}
