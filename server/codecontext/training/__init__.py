"""Teaches a repository's own vocabulary to an adapter: mines pairs, trains, measures base against adapter.

``mining`` finds (query, code) pairs, ``corpus`` is the code with everything hidden that the queries were taken from,
``train`` and ``evaluate`` are the two ways in.
"""
