"""SQL texts: statements of a schema, and the vetting of those that a description brings."""
