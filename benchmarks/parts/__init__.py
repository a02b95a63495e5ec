"""Measures of parts inside the package, which the public API does not show by themselves."""
