"""CSV files: how one is written is found, or given by :class:`CsvFile`."""

from __future__ import annotations

import codecs
import csv
import io
import os
import re
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal, Optional, Union

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow_csv
from pydantic import field_validator

from synthohive import _arguments as arguments
from synthohive.schema.columns import Strict

__all__ = ["CsvFile", "read_csv"]

SEPARATORS = ",;\t|"
_SAMPLE = 1 << 18
_MARKS = (  # the longer first: one begins like another
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\r?(?:\n|\Z)', re.IGNORECASE)
_CODES = r"^[+]|^-?0[0-9]"
_COMMA_NUMBERS = r"^-?[0-9]+(?:,[0-9]+)?$"
_THOUSANDS = r"^-?[1-9][0-9]{0,2}(?:,[0-9]{3})?$"  # 1,250 may be one and a quarter, or more


class CsvFile(Strict):
    """A CSV file, or a folder of such, and how it is written where that cannot be found.

    Parameters
    ----------
    path : path
    separator : str, optional
        What stands between fields. By default one of ``, ; | tab`` that cuts all of the first
        lines into as many fields as the header, or what an Excel line ``sep=;`` says.
    decimal : {".", ","}, optional
        By default the comma where no comma separates fields, and numbers have one.
    encoding : str, optional
        A name that Python knows (``"windows-1252"``). By default UTF-8, or UTF-16 and UTF-32 if the
        file begins with their mark.
    date_format : str, optional
        In the way of ``strftime`` (``"%d.%m.%Y"``): columns of such dates become dates. By default
        those in the form of ISO 8601 do; others stay text, come out in their form, and are
        modelled as dates all the same.

    Examples
    --------
    >>> CsvFile("orders.csv", separator=";", decimal=",", encoding="latin-1").encoding
    'latin-1'
    """

    path: Path
    separator: Optional[str] = None
    decimal: Optional[Literal[".", ","]] = None
    encoding: Optional[str] = None
    date_format: Optional[str] = None

    def __init__(self, path: Union[str, os.PathLike[str]], **options: Any) -> None:
        super().__init__(path=arguments.path("path", path), **options)

    @field_validator("separator")
    @classmethod
    def _one_character(cls, separator: Optional[str]) -> Optional[str]:
        if separator is not None and (
            len(separator) != 1 or not separator.isascii() or separator in '"\r\n\0'
        ):
            raise ValueError("pass one ASCII character that is neither a quote nor a line end")
        return separator

    @field_validator("encoding")
    @classmethod
    def _known(cls, encoding: Optional[str]) -> Optional[str]:
        try:
            text = encoding is None or codecs.lookup(encoding)._is_text_encoding
        except (LookupError, ValueError):
            text = False
        if not text:
            raise ValueError("Python knows no such encoding of text")
        return encoding

    @field_validator("date_format")
    @classmethod
    def _reads_what_it_writes(cls, date_format: Optional[str]) -> Optional[str]:
        if date_format is not None:
            day = datetime(2024, 12, 31, 23, 59)
            try:
                again = datetime.strptime(day.strftime(date_format), date_format)
            except ValueError:
                again = datetime.min
            if again.date() != day.date():
                raise ValueError("it has to give year, month and day, as '%d.%m.%Y' does")
        return date_format


def read_csv(file: CsvFile) -> pa.Table:
    """Read a CSV file.

    Raises
    ------
    pyarrow.ArrowInvalid
        It is malformed, not in its encoding, or not as the caller says that it is written.
    """
    start = _start(file)
    skipped = _SEPARATOR_LINE.match(start)
    separator = file.separator or (skipped[1] if skipped else _separator(start))
    source = _Parser(file, separator, 1 if skipped else 0)
    table = source.read()
    if table.num_columns == 1:  # then an empty line is a NULL, and no slip
        source.ignore_empty_lines = False
        table = source.read()
    for field in table.schema:
        if pa.types.is_binary(field.type):
            raise pa.ArrowInvalid(_not_text(file, f"column {field.name!r}"))
    if len(set(table.column_names)) < table.num_columns:
        return table  # which the caller refuses
    if file.decimal is None and separator != ",":
        table = _with_commas(source, table)
    table = _spelled(source, table)
    return table if file.date_format is None else _with_dates(table, file.date_format)


class _Parser:
    """Reads the columns of a file, as often as is needed to know what they are."""

    def __init__(self, file: CsvFile, separator: str, skipped: int) -> None:
        self.file, self.separator, self.skipped = file, separator, skipped
        self.decimal = file.decimal or "."
        self.ignore_empty_lines = True

    def read(self, columns: Sequence[str] = (), type_: Optional[pa.DataType] = None) -> pa.Table:
        """Return the file, or some columns as a type."""
        encoding = self.file.encoding or _marked(self.file.path) or "utf8"
        try:
            table = arrow_csv.read_csv(
                self.file.path,
                read_options=arrow_csv.ReadOptions(encoding=encoding, skip_rows=self.skipped),
                parse_options=arrow_csv.ParseOptions(
                    delimiter=self.separator,
                    newlines_in_values=True,
                    ignore_empty_lines=self.ignore_empty_lines,
                ),
                convert_options=arrow_csv.ConvertOptions(
                    null_values=[""],
                    strings_can_be_null=True,
                    quoted_strings_can_be_null=False,
                    decimal_point=self.decimal,
                    column_types={} if type_ is None else dict.fromkeys(columns, type_),
                    include_columns=list(columns),
                ),
            )
            _ = table.column_names  # decodes them
        except UnicodeError:
            raise pa.ArrowInvalid(_not_text(self.file, "it")) from None
        return table


def _not_text(file: CsvFile, what: str) -> str:
    if file.encoding is not None:
        return f"{what} is not {file.encoding} text"
    return (
        f"{what} is not UTF-8 text. Name the encoding: "
        f"CsvFile({file.path.name!r}, encoding='windows-1252')"
    )


def _marked(path: Path) -> Optional[str]:
    """Return the encoding that the file's first bytes tell."""
    with pa.input_stream(str(path), compression="detect") as stream:
        start = stream.read(4)
    return next((name for mark, name in _MARKS if start.startswith(mark)), None)


def _start(file: CsvFile) -> str:
    with pa.input_stream(str(file.path), compression="detect") as stream:
        start = stream.read(_SAMPLE)
    encoding = file.encoding or _marked(file.path) or "utf-8"
    text = codecs.getincrementaldecoder(encoding)("replace").decode(start)
    return text.removeprefix("\ufeff")


def _separator(start: str) -> str:
    """Return what cuts most of the first records into as many fields as the header."""
    found = []
    for separator in SEPARATORS:
        widths = [len(record) for record in _records(start, separator) if record]
        if widths and widths[0] > 1:
            alike = sum(width == widths[0] for width in widths) / len(widths)
            found.append((alike, widths[0], separator))
    best = max(found, key=lambda each: each[:2], default=(0.0, 0, ","))
    return best[2] if best[0] > 0.5 else ","


def _records(start: str, separator: str) -> Iterator[list[str]]:
    """Yield the records of the first part of a file, without one that it cuts."""
    lines = io.StringIO(start, newline="")
    before: Optional[list[str]] = None
    try:
        for record in csv.reader(lines, delimiter=separator):
            if before is not None:
                yield before
            before = record
    except csv.Error:  # a field without end: none of this separator's
        return
    if before is not None and len(start) < _SAMPLE // 4:
        yield before


def _with_commas(source: _Parser, table: pa.Table) -> pa.Table:
    """Read the numbers that have a decimal comma, if they cannot be thousands."""
    written = {
        name: values.drop_null()
        for name, values in zip(table.column_names, table.columns)
        if pa.types.is_string(values.type) and values.null_count < len(values)
    }
    numbers = {n: v for n, v in written.items() if _all(v, _COMMA_NUMBERS)}
    if all(_all(values, _THOUSANDS) for values in numbers.values()):
        return table
    source.decimal = ","
    read = source.read(list(numbers))
    for name in numbers:
        if not pa.types.is_string(read.column(name).type):
            table = table.set_column(table.column_names.index(name), name, read.column(name))
    return table


def _all(values: pa.ChunkedArray, pattern: str) -> bool:
    return bool(pc.all(pc.match_substring_regex(values, pattern)).as_py())


def _spelled(source: _Parser, table: pa.Table) -> pa.Table:
    """Keep as text what looks like a number, but would not be written as it was."""
    patterns = {f.name: _spelling(f.type) for f in table.schema}
    numeric = [name for name, pattern in patterns.items() if pattern]
    if not numeric:
        return table
    texts = source.read(numeric, pa.string())
    for name in numeric:
        if pc.any(pc.match_substring_regex(texts.column(name), patterns[name])).as_py():
            table = table.set_column(table.column_names.index(name), name, texts.column(name))
    return table


def _spelling(type_: pa.DataType) -> str:
    """Return the pattern of what looks like a number but is not one; empty for other types."""
    if pa.types.is_integer(type_):
        return _CODES
    return rf"{_CODES}|^-?[0-9]{{16,}}$|^[0-9]+[eE][0-9]+$" if pa.types.is_floating(type_) else ""


def _with_dates(table: pa.Table, form: str) -> pa.Table:
    """Read the columns whose values are all dates of a form; there has to be one."""
    only_digits = not re.sub(r"%[a-zA-Z]", "", form)
    found = False
    for place, (name, values) in enumerate(zip(table.column_names, table.columns)):
        if pa.types.is_string(values.type) or (only_digits and pa.types.is_integer(values.type)):
            dates = _dates(values.cast(pa.string()), form)
            if dates is not None:
                table, found = table.set_column(place, name, dates), True
    if not found and len(table):
        raise pa.ArrowInvalid(f"no column has dates in the form {form!r} in all rows")
    return table


def _dates(values: pa.ChunkedArray, form: str) -> Optional[pa.ChunkedArray]:
    encoded = values.combine_chunks().dictionary_encode()  # each distinct date is parsed once
    if not len(encoded.dictionary):
        return None
    try:
        moments = [datetime.strptime(text, form) for text in encoded.dictionary.to_pylist()]
    except ValueError:
        return None
    read: pa.Array
    if any(directive in form for directive in ("%H", "%I", "%c", "%X")):
        zone = "UTC" if moments[0].tzinfo is not None else None
        read = pa.array(moments, pa.timestamp("us", tz=zone))
    else:
        read = pa.array([date(m.year, m.month, m.day) for m in moments], pa.date32())
    return pa.chunked_array([read.take(encoded.indices)])
