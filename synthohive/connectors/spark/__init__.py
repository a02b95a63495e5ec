"""Spark: tables of a catalogue, folders of Delta and Parquet, and DataFrames, by a session."""
