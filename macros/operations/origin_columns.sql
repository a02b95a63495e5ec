{#- The {table, columns} of a schema that several columns of a model are, as the warehouse spells them; else none. -#}
{% macro origin_columns(relation, columns, place, tables) %}
  {%- set names, found = [], [] -%}
  {%- for column in columns -%}
    {%- set origin = synthohive.origin_column(relation.unique_id, column) -%}
    {%- if origin and origin.schema == place.schema and origin.table in tables and origin.table not in names -%}
      {%- do names.append(origin.table) -%}
    {%- endif -%}
    {%- if origin and names == [origin.table] -%}
      {%- for held in adapter.get_columns_in_relation(tables[origin.table]) if held.name | lower == origin.column | lower -%}
        {%- do found.append(held.name) -%}
      {%- endfor -%}
    {%- endif -%}
  {%- endfor -%}
  {{ return({"table": names[0], "columns": found} if found | length == columns | length else none) }}
{% endmacro %}
