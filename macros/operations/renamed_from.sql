{#- The name under which a SELECT reads a column that it passes on unchanged; none if it does not, or under several. -#}
{% macro renamed_from(sql, column) %}
  {%- set sql = modules.re.sub("(?s)\\{#.*?#\\}|/\\*.*?\\*/|--[^\\n]*", " ", sql) -%}
  {%- set before, name, after = "(?is)(?:,|\\bselect)\\s+(?:\\w+\\.)?[\"`]?", modules.re.escape(column), "[\"`]?\\s*(?=,|\\)|\\bfrom\\b|$)" -%}
  {%- set names = modules.re.findall(before ~ "(\\w+|(?<=[\"`])[^\"`]+)[\"`]?\\s+as\\s+[\"`]?" ~ name ~ after, sql) | unique | list -%}
  {%- set made = modules.re.findall("(?is)\\bas\\s+[\"`]?" ~ name ~ after, sql) | length -%}
  {%- if names | length == 1 and made == 1 -%}
    {{ return(names[0]) }}
  {%- elif made == 0 and (modules.re.search(before ~ name ~ after, sql) or modules.re.search("(?is)(?:,|\\bselect)\\s+(?:\\w+\\.)?\\*", sql)) -%}
    {{ return(column) }}
  {%- endif -%}
  {{ return(none) }}
{% endmacro %}
