{#- Rows of as many texts each as lines, the columns of numbers (by their place in `right`) to the right. -#}
{% macro aligned(rows, right) %}
  {%- set widths = [] -%}
  {%- for column in range(rows[0] | length) -%}
    {%- set lengths = [0] -%}
    {%- for row in rows -%}{%- do lengths.append(row[column] | string | length) -%}{%- endfor -%}
    {%- do widths.append(lengths | max) -%}
  {%- endfor -%}
  {%- set lines = [] -%}
  {%- for row in rows -%}
    {%- set texts = [] -%}
    {%- for width in widths -%}
      {%- do texts.append(("%*s" if loop.index0 in right else "%-*s") | format(width, row[loop.index0])) -%}
    {%- endfor -%}
    {%- do lines.append((texts | join("  ")).rstrip()) -%}
  {%- endfor -%}
  {{ return(lines) }}
{% endmacro %}
