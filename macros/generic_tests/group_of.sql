{#-
  What a drift test groups a relation by: a column or expression, or the day, month, ... that a date or timestamp
  lies in. A bucket of nothing, of an unknown length, or of what is no date is refused.
-#}
{% macro group_of(test_name, relation, group_by, time_bucket=none) %}
  {%- if not time_bucket -%}
    {{ return(group_by) }}
  {%- endif -%}
  {%- set known = ["day", "week", "month", "quarter", "year"] -%}
  {%- if time_bucket not in known -%}
    {{ exceptions.raise_compiler_error(test_name ~ ": time_bucket is '" ~ time_bucket ~ "'; it can be " ~ known | join(", ")) }}
  {%- elif not group_by -%}
    {{ exceptions.raise_compiler_error(test_name ~ ": `time_bucket` needs `group_by`, the date or timestamp that is cut into buckets") }}
  {%- endif -%}
  {%- set kind = synthohive.column_kind(relation, group_by) -%}
  {%- if kind not in ("date", "timestamp", "other", "unknown") -%}
    {{ exceptions.raise_compiler_error(test_name ~ ": " ~ group_by ~ " of " ~ synthohive.label(relation) ~ " is a " ~ kind ~ "; `time_bucket` needs a date or timestamp") }}
  {%- endif -%}
  {{ return(dbt.date_trunc(time_bucket, group_by)) }}
{% endmacro %}
