"""Rows in and out, of whatever holds them: the protocols, files, frames, and staged writing."""
