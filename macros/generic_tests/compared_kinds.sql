{#-
  What a column holds on both sides of a comparison by size, as {candidate, reference} (see column_kind). Where one
  side's kind is not known it is taken for the other's, and a number for one that may be NaN. Texts and booleans, and
  a number beside a date, are refused: whatever SQL made of them would be no answer to what the test asks. `refused` may
  say more.
-#}
{% macro compared_kinds(test_name, model, reference, column, reference_column=none, known=none, refused=("text", "boolean")) %}
  {%- set kinds = {
    "candidate": synthohive.measured_kind(test_name, model, column, refused, known=known.candidate if known else none),
    "reference": synthohive.measured_kind(test_name, reference, reference_column or column, refused, known=known.reference if known else none),
  } -%}
  {%- set family = {"float": "number", "number": "number", "date": "date", "timestamp": "date"} -%}
  {%- for side, other in (("candidate", "reference"), ("reference", "candidate")) if kinds[side] == "unknown" and kinds[other] in family -%}
    {%- do kinds.update({side: "float" if family[kinds[other]] == "number" else kinds[other]}) -%}
  {%- endfor -%}
  {%- set one, other = family.get(kinds.candidate), family.get(kinds.reference) -%}
  {%- if one and other and one != other -%}
    {{ exceptions.raise_compiler_error(test_name ~ ": " ~ column ~ " of " ~ synthohive.label(model) ~ " is a " ~ kinds.candidate ~ ", " ~ (reference_column or column) ~ " of " ~ synthohive.label(reference) ~ " a " ~ kinds.reference ~ ". Compare columns that hold the same, or cast one in a model") }}
  {%- endif -%}
  {{ return(kinds) }}
{% endmacro %}
