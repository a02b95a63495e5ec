"""Columns that repeat personal ones: of their own row, or of a row that keys lead to."""
