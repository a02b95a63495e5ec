"""What an expression of a description may be made of."""

from __future__ import annotations

from typing import Any

from sqlglot import exp

__all__ = ["FUNCTIONS", "NODES"]

FUNCTIONS = frozenset(
    """
    abs age all and any array array_length array_size array_upper array_lower array_to_string
    ascii between bit_length btrim cardinality case cast ceil ceiling char_length
    character_length chr coalesce concat concat_ws current_date current_time current_timestamp
    curdate curtime date date_add date_part date_sub date_trunc datediff datetime day dayname
    dayofmonth dayofweek dayofyear degrees div ends_with exp extract extract_date floor
    gen_random_uuid get_current_timestamp glob greatest hex hour if ifnull iif initcap instr
    is_nan isempty isfinite isnan isnull json_array_length json_extract json_extract_scalar
    json_type json_typeof json_valid jsonb_array_length jsonb_extract jsonb_typeof julianday
    last_day lcase least left len length levenshtein list_contains ln localtime localtimestamp
    locate log log10 log2 lower lower_hex lowerhex lpad ltrim make_date md5 md5_hash microsecond
    mid minute mod month monthname not now nullif num_nonnulls num_nulls nvl octet_length or pi
    position pow power quarter radians random rand randomblob regexp_ilike regexp_i_like
    regexp_like regexp_matches regexp_replace regexp_extract replace reverse right round
    rpad rtrim second sha sha1 sha2 sha256 sign split_part sqrt starts_with startswith
    strftime strpos str_position substr substring time time_to_str timestamp
    timestamp_trunc timestampdiff timestampadd timezone to_char to_date to_timestamp today trim
    trunc truncate try_cast try_to_cast ts_or_ds_to_date ts_or_ds_to_timestamp typeof ucase
    unhex unicode unix_timestamp upper utc_date utc_time utc_timestamp uuid uuid_generate_v4
    week weekday weekofyear xor year timestamp_add timestamp_diff date_diff
    datetime_trunc ts_or_ds_add is_null lowerhex json_quote
    """.split()
)
"""Functions that read nothing but their arguments and the clock, under all of sqlglot's names.

What is not here is refused: files, sequences, sleeping, other tables, extensions, settings, and
whatever a user has defined."""

NODES: tuple[type[Any], ...] = tuple(
    getattr(exp, name)
    for name in """
    Add And Any All Array Between BitString BitwiseAnd BitwiseLeftShift BitwiseNot BitwiseOr
    BitwiseRightShift BitwiseXor Boolean Bracket ByteString Case Cast Collate Column DataType
    DataTypeParam Distinct Div DPipe EQ Escape GT GTE Glob HexString Identifier If ILike In IntDiv
    Interval IntervalSpan Is JSONExtract JSONExtractScalar JSONBContains JSONBContainsAllTopKeys
    JSONBContainsAnyTopKeys JSONBContainsTopKey JSONPath JSONPathKey
    JSONPathRoot JSONPathSubscript LT LTE Like Literal Mod Mul NEQ Neg Not Null NullSafeEQ
    NullSafeNEQ Or Overlaps Paren Pow RegexpILike RegexpLike SimilarTo Sub TryCast
    Tuple Var Xor ArrayContainsAll ArrayOverlaps
    """.split()
    if hasattr(exp, name)
)
"""Nodes of sqlglot's tree that are no calls: operators, literals, columns of the table."""
