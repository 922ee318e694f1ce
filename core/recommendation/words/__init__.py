"""The sentences of a recommendation: one file for each part of it, named as the part."""
