{#- A {database, schema, identifier, kind}, or its synthetic stand-in where the variables of synthetic_source and synthetic_ref name one. -#}
{% macro synthetic_place(place) %}
  {%- set relation = api.Relation.create(database=place.database, schema=place.schema, identifier=place.identifier) -%}
  {%- set found = synthohive.synthetic_source(relation) if place.kind in ("source", "table") else synthohive.synthetic_ref(relation) -%}
  {{ return({"database": found.database, "schema": found.schema, "identifier": found.identifier, "kind": place.kind}) }}
{% endmacro %}
