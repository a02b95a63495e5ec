{#- Whether a column is called like a key, or like a number that counts rows within one. -#}
{% macro is_key_name(name) %}
  {{- return(synthohive.flat_name(name).endswith(("id", "key", "code", "number", "no", "uuid", "guid", "sku", "line", "position", "sequence", "seq"))) -}}
{% endmacro %}
