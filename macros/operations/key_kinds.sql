{#- The kinds of some columns, in their order; engines do not compare texts with UUIDs, or with numbers. -#}
{% macro key_kinds(relation, columns) %}
  {%- set kinds = {} -%}
  {%- for column in adapter.get_columns_in_relation(relation) -%}
    {%- do kinds.update({column.name: "uuid" if column.data_type | lower == "uuid" else synthohive.type_kind(column.data_type)}) -%}
  {%- endfor -%}
  {%- set found = [] -%}
  {%- for column in columns -%}{%- do found.append(kinds.get(column)) -%}{%- endfor -%}
  {{ return(found) }}
{% endmacro %}
