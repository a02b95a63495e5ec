{#-
  The interval that a value falls into, of equal ones from `lo` to `hi`, one below and one above: an integer from 0, -1 of
  NULL and NaN. It never falls as the value grows, also where a float holds the value inexactly. Nearly all values
  are within, which is asked first.
-#}
{% macro bin_number(column, kind, lo, hi, scale, intervals) %}
  {%- set value = synthohive.as_number(column, kind) -%}
  case
    when {{ value }} between {{ lo }} and {{ hi }} then 1 + {{ synthohive.as_integer("(" ~ value ~ " - " ~ lo ~ ") * " ~ scale) }}
    when not ({{ synthohive.is_filled(column, kind) }}) then -1
    when {{ value }} < {{ lo }} then 0
    else {{ intervals + 2 }}
  end
{%- endmacro %}
