"""Fitting: from a sample of real rows to what generation needs."""
