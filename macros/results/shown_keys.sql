{#- Example keys of failing rows as text, "(1, A), (2, B)"; of personal columns only that there are some. -#}
{% macro shown_keys(keys, rows, table) %}
  {%- set names = keys | map("replace", '"', "") | map("replace", "`", "") | map("lower") | list -%}
  {%- set personal = synthohive.personal_columns(table) | map("lower") | list if table else [] -%}
  {%- if names | select("in", personal) | list -%}
    {{ return("keys of personal columns are not shown") }}
  {%- endif -%}
  {%- set found = [] -%}
  {%- for row in rows -%}
    {%- set values = [] -%}
    {%- for name in names -%}
      {%- do values.append("NULL" if row[name] is none else row[name] | string) -%}
    {%- endfor -%}
    {%- do found.append(("(" ~ values | join(", ") ~ ")") | truncate(60, true, "...)", 0)) -%}
  {%- endfor -%}
  {{ return("e.g. " ~ found[:3] | join(", ")) }}
{% endmacro %}
