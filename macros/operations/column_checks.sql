{#-
  The checks of a table's columns: KS and range of numbers, dates and timestamps, and of pairs of numbers
  the correlation; total variation and new values of categories; the share of NULL; no shared value in columns that are marked as
  personal data (`meta: {pii: true}` or the tag `pii` in the project).
-#}
{% macro column_checks(table, real, synthetic, keys, facts, limits, exact_rows) %}
  {%- set checks, numbers, in_keys = [], [], [] -%}
  {%- for key in keys if key.table == table -%}{%- do in_keys.extend(key.columns) -%}{%- endfor -%}
  {%- set a, b = synthetic[table], real[table] -%}
  {%- set kinds = {} -%}
  {%- for found in adapter.get_columns_in_relation(a) -%}{%- do kinds.update({found.name: synthohive.type_kind(found.data_type)}) -%}{%- endfor -%}
  {%- set personal = synthohive.personal_columns(b) -%}
  {%- for fact in facts.values() -%}
    {%- set name, column = fact.name, fact.quoted -%}
    {%- set check = {"table": table, "column": name, "arguments": {"reference": table}} -%}
    {%- if name not in kinds -%}
      {%- do checks.append(dict(check, test=none, missing="the column is missing")) -%}
    {%- else -%}
      {%- if name in personal -%}
        {%- do checks.append(dict(check, test="no_copied_values", limit_name="max_values", limit=limits.get("no_copied_values", 0), sql=synthohive.copied_values(a, b, column))) -%}
      {%- elif name in in_keys or not fact.filled or fact.kind == "other" -%}
      {%- elif fact.kind in ("float", "number", "date", "timestamp") -%}
        {%- set limit = limits.get("ks_drift", synthohive.sampling_limit("ks", 0.1, fact.filled, fact.filled)) -%}
        {%- set sql = synthohive.ks_binned(a, b, column, kind=kinds[name], limit=limit, reference_kind=fact.kind) if fact.rows > exact_rows else synthohive.ks(a, b, column, kind=kinds[name], reference_kind=fact.kind) -%}
        {%- do checks.append(dict(check, test="ks_drift", limit_name="max_ks", limit=limit, sql=sql)) -%}
        {%- set limit = limits.get("range_drift", synthohive.sampling_limit("outside", 0.01, fact.filled, fact.filled)) -%}
        {%- do checks.append(dict(check, test="range_drift", limit_name="max_share", limit=limit, sql=synthohive.outside_range(a, b, column, kind=kinds[name], reference_kind=fact.kind))) -%}
        {%- if fact.kind in ("float", "number") and fact.distinct > 2 -%}{%- do numbers.append(fact) -%}{%- endif -%}
      {%- elif fact.distinct <= 1000 and fact.distinct * 2 <= fact.filled -%}
        {%- set limit = limits.get("tvd_drift", synthohive.sampling_limit("tvd", 0.1, fact.rows, fact.rows, categories=fact.distinct + 1)) -%}
        {%- do checks.append(dict(check, test="tvd_drift", limit_name="max_tvd", limit=limit, sql=synthohive.tvd(a, b, column))) -%}
        {%- set limit = limits.get("domain_drift", synthohive.sampling_limit("outside", 0.01, fact.filled, fact.filled)) -%}
        {%- do checks.append(dict(check, test="domain_drift", limit_name="max_share", limit=limit, sql=synthohive.outside_domain(a, b, column))) -%}
      {%- endif -%}
      {%- if fact.filled < fact.rows -%}
        {%- set limit = limits.get("null_rate_drift", synthohive.sampling_limit("share", 0.02, fact.rows, fact.rows, share=fact.filled / fact.rows)) -%}
        {%- do checks.append(dict(check, test="null_rate_drift", limit_name="max_difference", limit=limit, sql=synthohive.null_rate(a, b, column))) -%}
      {%- endif -%}
    {%- endif -%}
  {%- endfor -%}
  {%- do checks.extend(synthohive.correlation_checks(table, a, b, numbers[:6], kinds, limits)) -%}
  {{ return(checks) }}
{% endmacro %}
