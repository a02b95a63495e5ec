{#- The checks of a table as a whole: its size, its keys, and how many children each parent has. -#}
{% macro key_checks(table, real, synthetic, keys, facts, limits) %}
  {%- set checks = [] -%}
  {%- set a, b = synthetic[table], real[table] -%}
  {%- do checks.append({
    "table": table, "column": none, "test": "row_count_ratio", "limit_name": "max_difference",
    "limit": limits.get("row_count_ratio", 0.05), "empty": (facts[table].values() | list)[0].rows == 0, "arguments": {"reference": table}, "sql": synthohive.row_count(a, b),
  }) -%}
  {%- for key in keys if key.table == table and (facts[table].values() | list)[0].rows -%}
    {%- set quoted = synthohive.quoted_names(key.columns) -%}
    {%- set shown = key.columns | join(", ") -%}
    {%- set written = synthohive.written_names(key.columns) -%}
    {%- if key.type != "foreign" -%}
      {%- set nulls = key.type != "primary" -%}
      {%- do checks.append({
        "table": table, "column": shown, "test": "unique_key", "limit_name": none, "limit": 0,
        "arguments": {"columns": written, "allow_nulls": nulls},
        "sql": synthohive.key_breaks(synthohive.repeated_keys(a, quoted, nulls), "key_rows", a, b),
      }) -%}
    {%- elif key.to in real and key.to in synthetic -%}
      {%- set to_quoted, to_written = synthohive.quoted_names(key.to_columns), synthohive.written_names(key.to_columns) -%}
      {%- do checks.append({
        "table": table, "column": shown, "test": "no_orphans", "limit_name": none, "limit": 0,
        "arguments": {"columns": written, "to": key.to, "to_columns": to_written},
        "sql": synthohive.key_breaks(synthohive.orphan_keys(a, quoted, synthetic[key.to], to_quoted), "orphan_rows", a, b),
      }) -%}
      {%- set parents = (facts[key.to].values() | list)[0].rows -%}
      {%- do checks.append({
        "table": table, "column": shown, "test": "fan_out_drift", "limit_name": "max_ks",
        "limit": limits.get("fan_out_drift", synthohive.sampling_limit("ks", 0.05, parents, parents)),
        "arguments": {"columns": written, "to": key.to, "to_columns": to_written, "reference": table, "reference_to": key.to},
        "sql": synthohive.fan_out(a, quoted, synthetic[key.to], to_quoted, b, real[key.to]),
      }) -%}
    {%- endif -%}
  {%- endfor -%}
  {{ return(checks) }}
{% endmacro %}
