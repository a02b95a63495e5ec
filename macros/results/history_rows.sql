{#- A result as SELECTs of one row each, for the history; of a test that could not be run, one without values. -#}
{% macro history_rows(result) %}
  {%- set test = result.node.test_metadata -%}
  {%- set table = synthohive.named_relation(test.kwargs.model) -%}
  {%- set keys = test.name in ("no_orphans", "unique_key") -%}
  {%- set measured = [{}] -%}
  {%- if result.status in ("pass", "warn", "fail") -%}
    {%- set sql = result.node.compiled_code.split(synthohive.only_failing())[0] -%}
    {%- set measured = synthohive.rows_of(sql ~ (" select n_failing as statistic_value, allowed, n_rows from measured" if keys else "")) -%}
  {%- endif -%}
  {%- set rows = [] -%}
  {%- for row in measured -%}
    {%- set texts = [
      invocation_id, result.node.name, row.statistic or test.name, table.identifier if table else row.table_name,
      synthohive.key_columns(test.name, test.kwargs.columns, test.kwargs.column_name) | join(", ") if keys else row.column_name,
      row.group_value, result.status | string,
    ] -%}
    {%- set literals = [] -%}
    {%- for value in texts -%}
      {%- do literals.append("'" ~ dbt.escape_single_quotes(value | string | replace("\\", "") | truncate(200, true, "...", 0)) ~ "'" if value is not none and value is defined else synthohive.as_text("null")) -%}
    {%- endfor -%}
    {%- do literals.insert(1, "cast('" ~ run_started_at.strftime("%Y-%m-%d %H:%M:%S") ~ "' as " ~ dbt.type_timestamp() ~ ")") -%}
    {%- for value in (row.statistic_value, row.allowed, row.n_rows, row.n_reference) -%}
      {%- set finite = value is not none and value is defined and (value | string | lower) not in ("nan", "inf", "-inf", "infinity", "-infinity") -%}
      {%- do literals.append(synthohive.as_double(value if finite else "null")) -%}
    {%- endfor -%}
    {%- do rows.append("select " ~ literals | join(", ")) -%}
  {%- endfor -%}
  {{ return(rows) }}
{% endmacro %}
