"""Learning with differential privacy: noisy counts of bounded contributions, and nothing else.

Real rows are seen by :func:`~.source.private_source` alone. It returns rows that are made from
noisy counts, and everything else is learned from these as from any others.
"""
