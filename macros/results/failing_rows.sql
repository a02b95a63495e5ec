{#-
  Up to `limit` failing rows of a test's node as dictionaries, the worst first: from the table in which dbt has
  stored them, else by running the compiled test again.
-#}
{% macro failing_rows(node, limit) %}
  {#- dbt keeps the table's name of an earlier run that stored, whether or not this one does. -#}
  {%- set stored = node.relation_name and node.should_store_failures is not false -%}
  {%- set worst = {"no_orphans": "orphan_rows", "unique_key": "key_rows"}.get(node.test_metadata.name, "statistic_value") -%}
  {%- set source = node.relation_name if stored else "(" ~ node.compiled_code ~ "\n)" -%}
  {{ return(synthohive.rows_of("select * from " ~ source ~ " failing order by " ~ worst ~ " desc limit " ~ limit)) }}
{% endmacro %}
