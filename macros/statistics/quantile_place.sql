{#-
  The bin of a value among `bins` bins of equal shares of the reference, as an integer: `before`
  reference rows are less than the value, `after` are not greater, of `total`. A bin is closed on the right. A value that
  fills a whole bin is a bin of its own (an odd number), or whatever the reference never has below it
  would count as that value.
-#}
{% macro quantile_place(before, after, total, bins) %}
  {%- set share = "nullif(" ~ total ~ ", 0)" -%}
  {{- synthohive.as_integer(
    "2 * least(floor(" ~ bins ~ " * (" ~ before ~ ") / " ~ share ~ "), " ~ (bins - 1) ~ ")"
    ~ " + case when " ~ synthohive.fills_quantile(before, after, total, bins) ~ " then 1 else 0 end"
  ) -}}
{% endmacro %}
