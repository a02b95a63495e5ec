{#- The correlation of each pair of a table's numbers. -#}
{% macro correlation_checks(table, candidate, reference, numbers, limits) %}
  {%- set checks = [] -%}
  {%- for one in numbers -%}
    {%- for other in numbers[loop.index:] -%}
      {%- set rows = [one.filled, other.filled] | min -%}
      {%- do checks.append({
        "table": table, "column": one.name ~ ", " ~ other.name, "under": one.name, "test": "correlation_drift",
        "limit_name": "max_difference", "limit": limits.get("correlation_drift", synthohive.sampling_limit("correlation", 0.1, rows, rows)),
        "arguments": {"other_column": synthohive.written_names([other.name])[0], "reference": table},
        "sql": synthohive.correlation(candidate, reference, one.quoted, other.quoted, kind=one.kind, other_kind=other.kind),
      }) -%}
    {%- endfor -%}
  {%- endfor -%}
  {{ return(checks) }}
{% endmacro %}
