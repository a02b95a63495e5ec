{#-
  What a column holds: "float", "number", "date", "timestamp", "boolean", "text" or "other"; of a relation by its
  catalogue, of a query (a table under `where:` is one, and so is each table under `--empty`) by asking it for no
  rows. "unknown" where the warehouse is not asked, and of an ephemeral model, which is no more than a CTE's name here.
-#}
{% macro column_kind(relation, column) %}
  {%- if not synthohive.asks_warehouse() or "__dbt__cte__" in relation | string -%}
    {{ return("unknown") }}
  {%- endif -%}
  {%- if relation is string or synthohive.is_empty_run() -%}
    {%- set asked = dbt.get_column_schema_from_query("select " ~ column ~ " from " ~ synthohive.table_reference(relation)) -%}
    {{ return(synthohive.type_kind(asked[0].data_type)) }}
  {%- endif -%}
  {%- set wanted = column | string | replace('"', "") | replace("`", "") | replace("[", "") | replace("]", "") -%}
  {%- for found in adapter.get_columns_in_relation(relation) -%}
    {%- if found.name == wanted or found.name | lower == wanted | lower -%}
      {{ return(synthohive.type_kind(found.data_type)) }}
    {%- endif -%}
  {%- endfor -%}
  {{ return("unknown") }}
{% endmacro %}
