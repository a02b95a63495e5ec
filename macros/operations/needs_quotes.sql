{#- Whether a column's name means another column, or nothing, when it is written without quotes. -#}
{% macro needs_quotes(name) %}
  {%- set plain = "^[A-Z_][A-Z0-9_]*$" if target.type == "snowflake" else "^[a-z_][a-z0-9_]*$" -%}
  {%- set reserved = "all analyze and any array as asc between by case cast check column constraint create cross current_date date default delete desc distinct do drop else end except exists false fetch for foreign from full grant group groups having in index inner insert interval into is join key keys lateral leading left like limit natural not null of offset on or order outer over partition primary range rank references returning right row rows select set some table then time timestamp to trailing true union unique update user using values when where window with".split() -%}
  {{ return(not modules.re.match(plain, name) or name | lower in reserved) }}
{% endmacro %}
