{#- Where a table of this package's own lies, whether it is there or not. -#}
{% macro own_relation(name) %}
  {{- return(api.Relation.create(database=target.database, schema=var("synthohive_schema", target.schema), identifier=name, type="table")) -}}
{% endmacro %}
