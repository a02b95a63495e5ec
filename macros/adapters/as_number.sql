{#-
  A date or timestamp as seconds since 1970, anything else as a 64-bit float. Monotone, so that
  bins of it are bins of the value. `kind` is what column_kind says.
-#}
{% macro as_number(expression, kind) %}
  {{- return(adapter.dispatch("as_number", "synthohive")(expression, kind)) -}}
{% endmacro %}

{#- PostgreSQL. -#}
{% macro default__as_number(expression, kind) %}
  {%- if kind in ("date", "timestamp") -%}
    {{ return(synthohive.as_double("extract(epoch from " ~ expression ~ ")")) }}
  {%- endif -%}
  {{ return(synthohive.as_double(expression)) }}
{% endmacro %}

{#- Here the epoch of a timestamp is a whole number of seconds. -#}
{% macro redshift__as_number(expression, kind) %}
  {%- if kind in ("date", "timestamp") -%}
    {{ return(synthohive.as_double("datediff(microsecond, timestamp '1970-01-01 00:00:00', " ~ expression ~ ")") ~ " / 1e6") }}
  {%- endif -%}
  {{ return(synthohive.as_double(expression)) }}
{% endmacro %}

{% macro duckdb__as_number(expression, kind) %}
  {%- if kind in ("date", "timestamp") -%}
    {{ return(synthohive.as_double("epoch(" ~ expression ~ ")")) }}
  {%- endif -%}
  {{ return(synthohive.as_double(expression)) }}
{% endmacro %}

{% macro snowflake__as_number(expression, kind) %}
  {%- if kind == "date" -%}
    {{ return(synthohive.as_double("date_part(epoch_second, " ~ expression ~ ")")) }}
  {%- elif kind == "timestamp" -%}
    {{ return(synthohive.as_double("date_part(epoch_microsecond, " ~ expression ~ ")") ~ " / 1e6") }}
  {%- endif -%}
  {{ return(synthohive.as_double(expression)) }}
{% endmacro %}

{% macro bigquery__as_number(expression, kind) %}
  {%- if kind == "date" -%}
    {{ return(synthohive.as_double("unix_date(" ~ expression ~ ")") ~ " * 86400") }}
  {%- elif kind == "timestamp" -%}
    {{ return(synthohive.as_double("unix_micros(cast(" ~ expression ~ " as timestamp))") ~ " / 1e6") }}
  {%- endif -%}
  {{ return(synthohive.as_double(expression)) }}
{% endmacro %}

{% macro spark__as_number(expression, kind) %}
  {%- if kind in ("date", "timestamp") -%}
    {{ return(synthohive.as_double("cast(" ~ expression ~ " as timestamp)")) }}
  {%- endif -%}
  {{ return(synthohive.as_double(expression)) }}
{% endmacro %}

{% macro mysql__as_number(expression, kind) %}
  {%- if kind in ("date", "timestamp") -%}
    {{ return(synthohive.as_double("timestampdiff(microsecond, timestamp '1970-01-01 00:00:00', " ~ expression ~ ")") ~ " / 1e6") }}
  {%- endif -%}
  {{ return(synthohive.as_double(expression)) }}
{% endmacro %}

{% macro mariadb__as_number(expression, kind) %}
  {{- return(synthohive.mysql__as_number(expression, kind)) -}}
{% endmacro %}
