"""A system is written out here for use without this tool."""
