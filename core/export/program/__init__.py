"""A system becomes a Python program of its own here: which pieces of code it takes, and what stands in their holes."""
