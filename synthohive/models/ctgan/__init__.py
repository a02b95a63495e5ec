"""CTGAN, conditioned on parents."""
