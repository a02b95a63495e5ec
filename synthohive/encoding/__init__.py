"""Columns as numbers that models can learn, and back: see :class:`TableEncoder`."""

from synthohive.encoding.base import EncoderSettings
from synthohive.encoding.encoded import Continuous, Discrete, EncodedTable, Layout
from synthohive.encoding.table import TableEncoder

__all__ = ["Continuous", "Discrete", "EncodedTable", "EncoderSettings", "Layout", "TableEncoder"]
