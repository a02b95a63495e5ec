"""Columns as numbers that models can learn, and back: see :class:`TableEncoder`."""

from synthohive.core.data.base import EncoderSettings
from synthohive.core.data.encoded import Continuous, Discrete, EncodedTable, Layout
from synthohive.core.data.table import TableEncoder

__all__ = ["Continuous", "Discrete", "EncodedTable", "EncoderSettings", "Layout", "TableEncoder"]
