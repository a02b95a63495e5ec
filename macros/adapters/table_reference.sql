{#-
  What may stand after FROM: a relation, a name or a query with an alias as it is, and a query without one under an
  alias, which most engines ask for. `(…) t(a, b)` has one.
-#}
{% macro table_reference(relation) %}
  {%- if relation is string -%}
    {%- set text = relation | trim -%}
    {%- if modules.re.match("(?i)(select|with)\\s", text) -%}
      {{ return("(" ~ text ~ ") query_rows") }}
    {%- elif text.startswith("(") and text.endswith(")") and not modules.re.search("(?i)\\)\\s*(as\\s+)?\\w+\\s*\\([^()]*\\)$", text) -%}
      {{ return(text ~ " query_rows") }}
    {%- endif -%}
  {%- endif -%}
  {{ return(relation) }}
{% endmacro %}
