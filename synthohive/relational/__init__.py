"""Keys, and the order in which tables are fitted and generated."""
