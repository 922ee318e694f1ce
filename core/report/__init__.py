"""A recommendation becomes a report here: what it says in which order, its charts, and the files that show it."""
