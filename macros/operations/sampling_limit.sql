{#-
  A limit that two samples of one population rarely pass, of `rows` and `others` rows: the asymptotic 99 %
  quantile of the statistic (KS, Smirnov 1948; the normal one of shares and correlations; the expected
  total variation of `categories` shares and a half more; about seven of `others` rows beyond what the
  other sample has seen), and never below `least`.
-#}
{% macro sampling_limit(statistic, least, rows, others, share=0.5, categories=2) %}
  {%- if not rows or not others -%}
    {{ return(least) }}
  {%- endif -%}
  {%- set spread = (1 / rows + 1 / others) ** 0.5 -%}
  {%- if statistic == "ks" -%}
    {%- set noise = 1.63 * spread -%}
  {%- elif statistic == "tvd" -%}
    {%- set noise = 0.6 * (categories ** 0.5) * spread -%}
  {%- elif statistic == "outside" -%}
    {%- set noise = 7 / others -%}
  {%- elif statistic == "share" -%}
    {%- set noise = 2.58 * ((share * (1 - share)) ** 0.5) * spread -%}
  {%- else -%}
    {%- set noise = 2.58 * spread -%}
  {%- endif -%}
  {{ return(([least, noise, 0] | sort)[-1] | round(3, "ceil")) }}
{% endmacro %}
