{#- A value as PARTITION BY takes it: BigQuery partitions by no floating point number. -#}
{% macro partition_key(expression) %}
  {{- return(adapter.dispatch("partition_key", "synthohive")(expression)) -}}
{% endmacro %}

{% macro default__partition_key(expression) %}{{ return(expression) }}{% endmacro %}

{% macro bigquery__partition_key(expression) %}{{ return("to_json_string(" ~ expression ~ ")") }}{% endmacro %}
