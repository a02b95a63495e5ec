{#- Rows of as many texts each as lines: numbers, in the fifth and sixth column, stand to the right; the last text has a line of its own. -#}
{% macro aligned(rows) %}
  {%- set widths = [] -%}
  {%- for column in range(rows[0] | length - 2) -%}
    {%- set lengths = [] -%}
    {%- for row in rows -%}{%- do lengths.append(row[column] | string | length) -%}{%- endfor -%}
    {%- do widths.append(lengths | max) -%}
  {%- endfor -%}
  {%- set lines = [] -%}
  {%- for row in rows -%}
    {%- set texts = [] -%}
    {%- for width in widths -%}
      {%- do texts.append(("%*s" if loop.index0 in (4, 5) else "%-*s") | format(width, row[loop.index0])) -%}
    {%- endfor -%}
    {%- do lines.append((texts | join("  ") ~ "  " ~ row[-2]).rstrip()) -%}
    {%- if row[-1] -%}{%- do lines.append("      " ~ row[-1]) -%}{%- endif -%}
  {%- endfor -%}
  {{ return(lines) }}
{% endmacro %}
