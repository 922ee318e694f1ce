"""Systems run on a dataset's queries, measured, and kept as experiments of a workspace."""
