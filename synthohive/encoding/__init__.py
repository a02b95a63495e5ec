"""Columns as numbers that models can learn, and back: one transform per kind of column."""
