{#- The seconds from one timestamp to another, to the microsecond, as a 64-bit float. -#}
{% macro seconds_between(start, end) %}
  {{- return(adapter.dispatch("seconds_between", "synthohive")(start, end)) -}}
{% endmacro %}

{% macro default__seconds_between(start, end) %}
  {{- return(synthohive.as_double("extract(epoch from " ~ end ~ " - " ~ start ~ ")")) -}}
{% endmacro %}

{#- Of seconds since 1970 Redshift's `epoch` gives whole ones only. -#}
{% macro redshift__seconds_between(start, end) %}
  {{- return(synthohive.as_double("datediff(microsecond, " ~ start ~ ", " ~ end ~ ")") ~ " / 1e6") -}}
{% endmacro %}

{% macro snowflake__seconds_between(start, end) %}
  {{- return(synthohive.as_double("datediff(microsecond, " ~ start ~ ", " ~ end ~ ")") ~ " / 1e6") -}}
{% endmacro %}

{% macro duckdb__seconds_between(start, end) %}
  {{- return(synthohive.as_double("date_diff('microsecond', " ~ start ~ ", " ~ end ~ ")") ~ " / 1e6") -}}
{% endmacro %}

{% macro bigquery__seconds_between(start, end) %}
  {{- return(synthohive.as_double("timestamp_diff(cast(" ~ end ~ " as timestamp), cast(" ~ start ~ " as timestamp), microsecond)") ~ " / 1e6") -}}
{% endmacro %}

{% macro spark__seconds_between(start, end) %}
  {{- return(synthohive.as_double("unix_micros(cast(" ~ end ~ " as timestamp)) - unix_micros(cast(" ~ start ~ " as timestamp))") ~ " / 1e6") -}}
{% endmacro %}

{% macro mysql__seconds_between(start, end) %}
  {{- return(synthohive.as_double("timestampdiff(microsecond, " ~ start ~ ", " ~ end ~ ")") ~ " / 1e6") -}}
{% endmacro %}

{% macro mariadb__seconds_between(start, end) %}
  {{- return(synthohive.mysql__seconds_between(start, end)) -}}
{% endmacro %}
