"""Columns that follow from others: the kinds, the search for each, and the program of a table."""
