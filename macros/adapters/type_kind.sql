{#- The kind of a column by the name that an engine, or its driver, gives its type. -#}
{% macro type_kind(data_type) %}
  {%- set name = data_type | string | lower | replace("_type", "") -%}
  {%- if name.endswith(("[]", "array")) or name.startswith(("array", "struct", "map", "list", "json", "variant", "object", "super", "record", "union")) -%}
    {{ return("other") }}
  {%- elif "interval" in name or "range" in name or "geo" in name or "point" in name or name.startswith(("bytea", "blob", "binary", "varbinary", "bit")) -%}
    {{ return("other") }}
  {%- elif name.startswith(("bool", "tinyint(1)")) -%}
    {{ return("boolean") }}
  {%- elif name.startswith(("float", "double", "real")) -%}
    {{ return("float") }}
  {%- elif "int" in name or name.startswith(("numeric", "decimal", "number", "fixed", "bignumeric", "bigdecimal", "money", "serial", "bigserial", "year", "long", "short", "byte")) -%}
    {{ return("number") }}
  {%- elif name == "date" -%}
    {{ return("date") }}
  {%- elif name.startswith(("timestamp", "datetime")) -%}
    {{ return("timestamp") }}
  {%- elif "char" in name or "text" in name or name.startswith(("string", "unicode", "enum", "uuid", "clob", "bpchar", "name", "user-defined", "citext")) -%}
    {{ return("text") }}
  {%- endif -%}
  {{ return("other") }}
{% endmacro %}
