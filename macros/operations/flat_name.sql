{#- A name in lower case and without separators: order_id, OrderID and "Order Id" are one. -#}
{% macro flat_name(name) %}
  {{- return(modules.re.sub("[^0-9a-z]", "", name | lower)) -}}
{% endmacro %}
