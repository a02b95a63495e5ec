{#- Rows of (table, type, columns, parent, parent's columns) as a list of keys. -#}
{% macro keys_from_rows(rows) %}
  {%- set keys = [] -%}
  {%- set mark = synthohive.key_separator() -%}
  {%- for row in rows -%}
    {%- do keys.append({
      "table": row[0],
      "type": row[1],
      "columns": (row[2] or "").split(mark),
      "to": row[3] if row[1] == "foreign" else none,
      "to_columns": (row[4] or "").split(mark) if row[1] == "foreign" else [],
    }) -%}
  {%- endfor -%}
  {{ return(keys) }}
{% endmacro %}
