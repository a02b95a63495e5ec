{#-
  Example keys of failing rows as text, "(1, A), (2, B)"; of columns that are marked as personal data, here or in the
  table `to` that the key leads to, only that there are some.
-#}
{% macro shown_keys(keys, rows, table, to=none, to_keys=none) %}
  {%- for side, columns in [(to, to_keys or keys), (table, keys)] if side -%}
    {%- set personal = synthohive.personal_columns(side) | map("lower") | list -%}
    {%- if synthohive.plain_names(columns) | map("lower") | select("in", personal) | list -%}
      {{ return("keys of personal columns are not shown") }}
    {%- endif -%}
  {%- endfor -%}
  {%- set names = synthohive.plain_names(keys) | map("lower") | list -%}
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
