"""CHECK, unique sets, and rules between keys: found, verified, repaired."""
