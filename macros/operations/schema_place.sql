{#- The database and the schema that "schema" or "database.schema" names. -#}
{% macro schema_place(schema) %}
  {%- if not schema -%}
    {{ exceptions.raise_compiler_error("Which schemas? Give --args '{reference: the_real_schema, candidate: the_synthetic_one}'") }}
  {%- endif -%}
  {%- set parts = (schema | string).rsplit(".", 1) -%}
  {{ return({"database": parts[0] if parts | length == 2 else target.database, "schema": parts[-1]}) }}
{% endmacro %}
