"""TVAE, conditioned on parents."""
