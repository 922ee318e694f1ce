"""Retrieval Ladder: compare retrieval systems on labelled queries. UI-free; `python -m core` is its command line."""
