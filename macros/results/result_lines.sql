{#-
  A result as lines of print_results: `texts` (status, test, table, column, value, allowed, group, and what else
  there is to say), and after the last the `query`, or command, that shows the failing rows.
-#}
{% macro result_lines(result, max_rows) %}
  {%- set node = result.node -%}
  {%- set test = node.test_metadata -%}
  {%- set table = synthohive.named_relation(test.kwargs.model) -%}
  {%- set rows = synthohive.failing_rows(node, max_rows) -%}
  {%- set keys = synthohive.key_columns(test.name, test.kwargs.columns, test.kwargs.column_name) if test.name in ("no_orphans", "unique_key") else [] -%}
  {%- set to = synthohive.named_relation(test.kwargs.to) if test.kwargs.to else none -%}
  {%- set shown = synthohive.shown_keys(keys, rows, table, to, synthohive.key_columns(test.name, test.kwargs.to_columns or keys) if keys else none) -%}
  {%- set more = (", first " ~ rows | length ~ " of " ~ result.failures) if result.failures > rows | length and not keys else "" -%}
  {%- set query = "select * from " ~ node.relation_name if node.relation_name and node.should_store_failures is not false else "dbt show --select " ~ node.name -%}
  {%- set counts = keys or test.name == "no_copied_values" -%}
  {%- set lines = [] -%}
  {%- for row in (rows[:1] if keys else rows) -%}
    {%- set name = table.identifier if table else (row.table_name or "").split(".")[-1] -%}
    {%- set what = [] -%}
    {%- if keys and row.n_rows -%}
      {%- do what.append(shown) -%}
    {%- elif row.message != "the statistic is above what is allowed" -%}
      {%- do what.append(row.message) -%}
    {%- endif -%}
    {%- do lines.append({"texts": [
      result.status | string | upper,
      test.name,
      name,
      keys | join(", ") if keys else row.column_name or "",
      synthohive.shown_number(row.n_failing if keys else row.statistic_value, counts),
      synthohive.shown_number(row.allowed, counts),
      row.group_value or "",
      what | join("") ~ (more if loop.last else ""),
    ], "query": query if loop.last else none}) -%}
  {%- endfor -%}
  {{ return(lines) }}
{% endmacro %}
