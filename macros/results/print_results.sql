{#-
  Print what this package's tests found, where they did not pass: the value, the limit, the group or keys that
  are worst, and how to see the failing rows. In dbt_project.yml:

    on-run-end: "{% raw %}{{ synthohive.print_results(results) }}{% endraw %}"

  No row of the reference is read; keys of columns that are marked as personal data are counted, not shown.
-#}
{% macro print_results(results, max_rows=5) %}
  {%- set ran = synthohive.own_results(results) if execute else [] -%}
  {%- set lines, passed = [], [] -%}
  {%- for result in ran -%}
    {%- if result.status in ("fail", "warn") -%}
      {%- do lines.extend(synthohive.result_lines(result, max_rows)) -%}
    {%- elif result.status == "pass" -%}
      {%- do passed.append(result) -%}
    {%- endif -%}
  {%- endfor -%}
  {%- if lines -%}
    {%- set header = ["", "test", "table", "column", "value", "allowed", "group", ""] -%}
    {%- set table = synthohive.aligned([header] + lines | map(attribute="texts") | list, right=[4, 5]) -%}
    {%- do print("\n" ~ table[0]) -%}
    {%- for line in lines -%}
      {%- do print(table[loop.index]) -%}
      {%- if line.query -%}{%- do print("      " ~ line.query) -%}{%- endif -%}
    {%- endfor -%}
  {%- endif -%}
  {%- if ran -%}
    {%- do print("SynthoHive: " ~ passed | length ~ " of " ~ ran | length ~ " tests passed") -%}
  {%- endif -%}
{% endmacro %}
