"""Filling the missing cells of given rows."""
