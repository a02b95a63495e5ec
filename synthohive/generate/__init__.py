"""Making the rows of tables, block by block."""
