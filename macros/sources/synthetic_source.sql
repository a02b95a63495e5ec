{#-
  Where a source is read from: its own schema, or the synthetic one that the variable
  `synthohive_schemas` names for it. Put this into your project as macros/source.sql:

    {% raw %}{% macro source() %}
      {{ return(synthohive.synthetic_source(builtins.source(*varargs))) }}
    {% endmacro %}{% endraw %}

  and run `dbt build --vars '{synthohive_schemas: {raw: raw_synthetic}}'`: real schema to synthetic
  schema. "database.schema" on either side tells equal names in several databases apart. The drift tests
of this package, which compare with real tables, are not redirected.
-#}
{% macro synthetic_source(relation) %}
  {%- set test = model.test_metadata if model is defined else none -%}
  {%- if test and test.namespace == "synthohive" and "reference" in test.kwargs -%}
    {{ return(relation) }}
  {%- endif -%}
  {%- set schemas = var("synthohive_schemas", {}) -%}
  {%- set full_name = (relation.database or "") ~ "." ~ (relation.schema or "") -%}
  {%- set wanted = schemas.get(full_name, schemas.get(relation.schema)) -%}
  {%- if not wanted -%}
    {{ return(relation) }}
  {%- endif -%}
  {%- set parts = (wanted | string).split(".") -%}
  {%- if parts | length == 2 -%}
    {{ return(relation.replace_path(database=parts[0], schema=parts[1])) }}
  {%- endif -%}
  {{ return(relation.replace_path(schema=wanted)) }}
{% endmacro %}
