{#-
  Whether the rows of a relation for which `where` holds are more than `limit`; with 0, always. They are counted up to
  there, where the warehouse may be asked; an ephemeral model, which is no more than a CTE's name here, is taken for small.
-#}
{% macro is_large(relation, limit, where=none) %}
  {%- if limit == 0 -%}
    {{ return(true) }}
  {%- elif not synthohive.asks_warehouse() or synthohive.is_empty_run() or "__dbt__cte__" in relation | string -%}
    {{ return(false) }}
  {%- endif -%}
  {%- set counted -%}
    select count(*) as n
    from (
      select 1 as one from {{ synthohive.table_reference(relation) }}
      {% if where %}where {{ where }}{% endif %}
      limit {{ limit + 1 }}
    ) l
  {%- endset -%}
  {{ return(run_query(counted).columns[0].values()[0] | int > limit) }}
{% endmacro %}
