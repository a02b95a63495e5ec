{#- Run statements in one transaction, where the engine has them, and commit: outside of models dbt does not. -#}
{% macro execute_all(statements) %}
  {%- for sql in statements -%}
    {%- call statement("synthohive_" ~ loop.index, auto_begin=true) -%}{{ sql }}{%- endcall -%}
  {%- endfor -%}
  {%- do adapter.commit() -%}
{% endmacro %}
