{#-
  Print how many rows lead nowhere over each relationship that the project's tests state or the warehouse declares,
  with example keys. The variables `synthohive_schemas` and `synthohive_refs` lead to the synthetic tables.

    dbt run-operation synthohive.find_orphans
-#}
{% macro find_orphans(tables=none, only_orphans=false) %}
  {%- set lines = [["table", "columns", "leads to", "rows", "orphans", "share", ""]] -%}
  {%- set counts = {"whole": 0, "orphans": 0, "unknown": 0} -%}
  {%- set keys = synthohive.project_relationships() -%}
  {%- set wanted = synthohive.refuse_unknown_tables("find_orphans", tables, keys | map(attribute="table.identifier") | list) -%}
  {%- for key in keys if not wanted or key.table.identifier in wanted -%}
    {%- set found = synthohive.counted_orphans(key) -%}
    {%- set verdict = "unknown" if found.rows is none else ("orphans" if found.orphans else "whole") -%}
    {%- do counts.update({verdict: counts[verdict] + 1}) -%}
    {%- if verdict != "whole" or not only_orphans -%}
      {%- do lines.append([
        key.table.identifier, key.columns | join(", "), key.to.identifier ~ (" where " ~ key.to_condition if key.to_condition else ""),
        found.rows if found.rows is not none else "-", found.orphans if found.rows is not none else "-",
        "%.4f" | format(found.orphans / found.rows) if found.rows else "-", found.note ~ (" where " ~ key.where if key.where else ""),
      ]) -%}
    {%- endif -%}
  {%- endfor -%}
  {%- for line in synthohive.aligned(lines, right=[3, 4, 5]) -%}{%- do print(line) -%}{%- endfor -%}
  {%- do print(counts["whole"] ~ " relationships without orphans, " ~ counts["orphans"] ~ " with, " ~ counts["unknown"] ~ " not checked") -%}
{% endmacro %}
