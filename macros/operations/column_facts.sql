{#-
  What one query tells of the columns of a relation: {name: {name, quoted, kind, rows, filled, distinct}}. Columns
  whose values cannot be told apart (JSON, arrays) have no `distinct`.
-#}
{% macro column_facts(relation) %}
  {%- set facts = {} -%}
  {%- for column in adapter.get_columns_in_relation(relation) -%}
    {%- do facts.update({column.name: {"name": column.name, "quoted": adapter.quote(column.name), "kind": synthohive.type_kind(column.data_type)}}) -%}
  {%- endfor -%}
  {%- set sql -%}
    select count(*)
    {%- for fact in facts.values() %}
      , count({{ fact.quoted }}), {% if fact.kind == "other" %}0{% else %}count(distinct {{ fact.quoted }}){% endif %}
    {%- endfor %}
    from {{ relation }}
  {%- endset -%}
  {%- set row = run_query(sql)[0] -%}
  {%- for fact in facts.values() -%}
    {%- do fact.update({"rows": row[0] | int, "filled": row[2 * loop.index - 1] | int, "distinct": row[2 * loop.index] | int}) -%}
  {%- endfor -%}
  {{ return(facts) }}
{% endmacro %}
