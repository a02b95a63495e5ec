{#- What columns of a relation or query hold, by their names as given (see column_kind), in one question without rows. -#}
{% macro column_kinds(relation, columns) %}
  {%- set names = columns | unique(case_sensitive=true) | list -%}
  {%- set kinds = {} -%}
  {%- if synthohive.asks_warehouse() and "__dbt__cte__" not in relation | string -%}
    {%- set asked = dbt.get_column_schema_from_query("select " ~ names | join(", ") ~ " from " ~ synthohive.table_reference(relation)) -%}
    {%- for name in names -%}
      {%- do kinds.update({name: synthohive.type_kind(asked[loop.index0].data_type)}) -%}
    {%- endfor -%}
  {%- else -%}
    {%- for name in names -%}{%- do kinds.update({name: "unknown"}) -%}{%- endfor -%}
  {%- endif -%}
  {{ return(kinds) }}
{% endmacro %}
