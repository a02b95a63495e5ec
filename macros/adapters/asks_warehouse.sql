{#-
  Whether this command runs the SQL that it compiles, so that a test may ask the warehouse for types and numbers of
  rows first. `parse`, `list`, `compile` and `docs generate` work on a warehouse that has nothing yet.
-#}
{% macro asks_warehouse() %}
  {{- return(execute and flags.WHICH not in ("parse", "list", "compile", "generate")) -}}
{% endmacro %}
