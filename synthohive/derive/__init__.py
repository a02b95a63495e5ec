"""Exact relations between columns: found, verified, kept by construction."""
