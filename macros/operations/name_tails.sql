{#- What rows of a table may be called, in one and in lower case: of raw_order_items, raworderitem, orderitem and item. -#}
{% macro name_tails(table) %}
  {%- set words = (table | lower).split("_") | select | list -%}
  {%- set found = [] -%}
  {%- for word in words -%}
    {%- set tail = words[loop.index0:] | join("") -%}
    {%- if tail.endswith("ies") -%}
      {%- set one = tail[:-3] ~ "y" -%}
    {%- elif tail.endswith(("ches", "shes", "sses", "xes")) -%}
      {%- set one = tail[:-2] -%}
    {%- else -%}
      {%- set one = tail[:-1] if tail.endswith("s") and not tail.endswith("ss") else tail -%}
    {%- endif -%}
    {%- if one | length > 2 -%}{%- do found.append(one) -%}{%- endif -%}
  {%- endfor -%}
  {{ return(found) }}
{% endmacro %}
