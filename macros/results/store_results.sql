{#-
  Keep what every test of this package found, passing ones too, in the table `synthohive_history`: a row for each
  statistic of this run. In dbt_project.yml:

    on-run-end: "{% raw %}{{ synthohive.store_results(results) }}{% endraw %}"

  dbt keeps no row of a test that passes, so each statistic is calculated once more. Under `--empty` nothing is kept: it would be of tables without rows.
-#}
{% macro store_results(results) %}
  {%- set ran = synthohive.own_results(results) if execute and not synthohive.is_empty_run() else [] -%}
  {%- if ran -%}
    {%- set text, number = dbt.type_string(), synthohive.double_type() -%}
    {%- set history = synthohive.own_table("synthohive_history", [
      ("run_id", text), ("ran_at", dbt.type_timestamp()), ("test_name", text), ("statistic", text), ("table_name", text), ("column_name", text),
      ("group_value", text), ("status", text), ("value", number), ("allowed", number), ("n_rows", number), ("n_reference", number),
    ]) -%}
    {%- set rows = [] -%}
    {%- for result in ran -%}
      {%- do rows.extend(synthohive.history_rows(result)) -%}
    {%- endfor -%}
    {%- for start in range(0, rows | length, 100) -%}
      {%- do synthohive.execute_all(["insert into " ~ history ~ " " ~ rows[start:start + 100] | join(" union all ")]) -%}
    {%- endfor -%}
  {%- endif -%}
{% endmacro %}
