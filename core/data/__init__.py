"""We read documents, queries and labels here, from files of many kinds, and keep them as a Dataset."""
