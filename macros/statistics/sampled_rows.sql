{#-
  A query of (side, place, b1, b2, ...): up to `max_rows` rows of the candidate (side 1) and of the reference (0), in an
  order that their hash gives, so that the same tables give the same rows. Numbers, dates and timestamps are in `bins` bins of
  equally many rows of both sides together; other values are texts.
-#}
{% macro sampled_rows(candidate, reference, columns, reference_columns, kinds, reference_where=none, max_rows=20000, bins=8) %}
  {%- set texts, names = [], [] -%}
  {%- for column in columns -%}
    {%- do texts.append(synthohive.as_text("c" ~ loop.index)) -%}
    {%- do names.append("c" ~ loop.index) -%}
  {%- endfor -%}
  select
    side, place
    {%- for kind in kinds -%}
    {%- set name = names[loop.index0] -%}
    {%- if kind in ("float", "number", "date", "timestamp") -%}
    , case when {{ name }} is null then 'null' else {{ synthohive.as_text(synthohive.as_integer(
        "least(floor(" ~ bins ~ " * percent_rank() over (partition by case when " ~ name ~ " is null then 1 else 0 end order by " ~ name ~ ")), " ~ (bins - 1) ~ ")"
      )) }} end as b{{ loop.index }}
    {%- else -%}
    , case when {{ name }} is null then 'null' else concat('=', {{ texts[loop.index0] }}) end as b{{ loop.index }}
    {%- endif -%}
    {%- endfor %}
  from (
    select {{ names | join(", ") }}, side, row_number() over (partition by side order by h) as place
    from (
      select {{ names | join(", ") }}, side, {{ synthohive.hash_of(synthohive.joined_text([synthohive.as_text("side"), synthohive.as_text("twin"), "t"])) }} as h
      from (
        {#- Equal rows are told apart by their number, or all would lie in one half. -#}
        select {{ names | join(", ") }}, side, t, row_number() over (partition by side, t order by side) as twin
        from (
          select {{ names | join(", ") }}, side, {{ synthohive.joined_text(texts) }} as t
          from (
            select {% for column in columns %}{{ column }} as c{{ loop.index }}, {% endfor %}1 as side from {{ synthohive.table_reference(candidate) }}
            union all
            select {% for column in reference_columns %}{{ column }} as c{{ loop.index }}, {% endfor %}0 as side from {{ synthohive.table_reference(reference) }} {% if reference_where %}where {{ reference_where }}{% endif %}
          ) pooled
        ) written
      ) numbered
    ) hashed
  ) drawn
  where place <= {{ max_rows }}
{%- endmacro %}
