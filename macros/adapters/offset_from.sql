{#-
  How far a number or timestamp is from a smaller or equal one, `origin`, as a 64-bit float (seconds). The difference
  is taken in the column's own type, for a float tells neither 2^60 from 2^60 + 1 nor all microseconds of this century
  from one another. `kind` is "number" or "timestamp".
-#}
{% macro offset_from(expression, origin, kind) %}
  {%- if kind == "timestamp" -%}
    {{ return(synthohive.seconds_between(origin, expression)) }}
  {%- endif -%}
  {%- set rounded = synthohive.as_number(expression, kind) ~ " - " ~ synthohive.as_number(origin, kind) -%}
  {#- Own types overflow: below 2^31 (those of 32 bits and fewer), and where the difference is beyond 64 bits. -#}
  {%- set own = synthohive.as_double(expression ~ " - " ~ origin) -%}
  {%- set small = "abs(" ~ synthohive.as_double(expression) ~ ") < 2147483648 and abs(" ~ synthohive.as_double(origin) ~ ") < 2147483648" -%}
  {{ return("case when " ~ small ~ " then " ~ rounded ~ " when " ~ rounded ~ " < 9e18 then " ~ own ~ " else " ~ rounded ~ " end") }}
{% endmacro %}
