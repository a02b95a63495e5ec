{#-
  Print how far a schema's tables are from another's: a line for each table, key and column, with the
  statistic, its limit and a verdict.

    dbt run-operation synthohive.profile_drift --args '{reference: raw, candidate: raw_synthetic}'
-#}
{% macro profile_drift(reference=none, candidate=none, limits=none, tables=none, only_drift=false) %}
  {%- set checks = synthohive.drift_checks(reference, candidate, limits) -%}
  {%- set wanted = synthohive.refuse_unknown_tables("profile_drift", tables, checks | map(attribute="table") | list) -%}
  {%- set counts = {"ok": 0, "DRIFT": 0, "other": 0} -%}
  {{ print("%-28s %-36s %-18s %10s %10s  %s" | format("table", "column", "test", "value", "allowed", "verdict")) }}
  {{ print("-" * 116) }}
  {%- for group in checks | groupby("table") if not wanted or group[0] in wanted -%}
    {%- for row in run_query(synthohive.drift_query(group[1])) -%}
      {%- set verdict = row[7] -%}
      {%- set kind = "ok" if verdict in ("ok", "both are empty") else ("DRIFT" if verdict == "DRIFT" else "other") -%}
      {%- do counts.update({kind: counts[kind] + 1}) -%}
      {%- if kind != "ok" or not only_drift -%}
        {%- set value = "-" if row[3] is none else "%.4f" | format(row[3]) -%}
        {%- set allowed = "-" if row[4] is none else "%.4f" | format(row[4]) -%}
        {{ print("%-28s %-36s %-18s %10s %10s  %s" | format(row[0], row[1], row[2], value, allowed, verdict)) }}
      {%- endif -%}
    {%- endfor -%}
  {%- endfor -%}
  {{ print("-" * 116) }}
  {{ print(counts["ok"] ~ " within their limits, " ~ counts["DRIFT"] ~ " beyond, " ~ counts["other"] ~ " missing or without a value (" ~ candidate ~ " against " ~ reference ~ ")") }}
{% endmacro %}
