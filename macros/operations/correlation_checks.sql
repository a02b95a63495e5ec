{#- The correlation of each pair of a table's numbers; `kinds` says what the candidate's columns hold. -#}
{% macro correlation_checks(table, candidate, reference, numbers, kinds, limits) %}
  {%- set checks = [] -%}
  {%- for one in numbers -%}
    {%- for other in numbers[loop.index:] -%}
      {%- set rows = [one.filled, other.filled] | min -%}
      {%- do checks.append({
        "table": table, "column": one.name ~ ", " ~ other.name, "under": one.name, "test": "correlation_drift",
        "limit_name": "max_difference", "limit": limits.get("correlation_drift", synthohive.sampling_limit("correlation", 0.1, rows, rows)),
        "arguments": {"other_column": synthohive.written_names([other.name])[0], "reference": table},
        "sql": synthohive.correlation(candidate, reference, one.quoted, other.quoted, kind=kinds[one.name], other_kind=kinds[other.name], reference_kind=one.kind, reference_other_kind=other.kind),
      }) -%}
    {%- endfor -%}
  {%- endfor -%}
  {{ return(checks) }}
{% endmacro %}
