"""Encodings and models of single tables."""
