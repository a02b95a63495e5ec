{#- The tables of a schema ("schema" or "database.schema") by name, sorted; views and SynthoHive's own tables left out. -#}
{% macro schema_tables(schema) %}
  {%- set place = synthohive.schema_place(schema) -%}
  {%- set found = {} -%}
  {%- for name in synthohive.table_names(place) | sort if not (name | lower).startswith(("_synthohive", "synthohive_")) -%}
    {%- do found.update({name: api.Relation.create(database=place.database, schema=place.schema, identifier=name, type="table")}) -%}
  {%- endfor -%}
  {%- if not found -%}
    {{ exceptions.raise_compiler_error("There are no tables in the schema '" ~ place.schema ~ "' of " ~ (place.database or target.type) ~ ". Check the name; a schema of another database is written as database.schema") }}
  {%- endif -%}
  {{ return(found) }}
{% endmacro %}
