"""Key columns: values that are made, not learned, as functions of the row's number."""
