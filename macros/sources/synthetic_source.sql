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
  {%- set wanted = var("synthohive_schemas", {}) -%}
  {%- if not synthohive.is_redirected(relation, wanted) -%}
    {{ return(relation) }}
  {%- endif -%}
  {%- do synthohive.refuse_unknown_schemas(wanted) -%}
  {%- set full_name = (relation.database or "") ~ "." ~ (relation.schema or "") -%}
  {{ return(synthohive.in_schema(relation, wanted.get(full_name, wanted.get(relation.schema)))) }}
{% endmacro %}
