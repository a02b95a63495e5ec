{#-
  A table of this package's own, made if it is not there: in the target's schema, or in the one that the variable
  `synthohive_schema` names. `columns` are (name, type) pairs.
-#}
{% macro own_table(name, columns) %}
  {%- set relation = synthohive.own_relation(name) -%}
  {%- if adapter.get_relation(relation.database, relation.schema, relation.identifier) is none -%}
    {%- do adapter.create_schema(relation) -%}
    {%- set typed = [] -%}
    {%- for column, type in columns -%}{%- do typed.append(column ~ " " ~ type) -%}{%- endfor -%}
    {%- do synthohive.execute_all(["create table " ~ relation ~ " (" ~ typed | join(", ") ~ ")"]) -%}
  {%- endif -%}
  {{ return(relation) }}
{% endmacro %}
