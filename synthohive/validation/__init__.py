"""Measuring how close synthetic data is to real data, gating on it, and reporting it."""
