"""What users call: the facade and what it returns."""
