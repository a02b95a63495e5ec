"""Which parent each row gets, and what holds between the keys of a row."""
