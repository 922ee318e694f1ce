"""We run systems on a dataset's queries here, measure them, and keep them as experiments of a workspace."""
