"""Index versions of a corpus: built beside the live one, promoted once they pass, kept to go back to, refreshed by content."""
