"""An outline becomes a file here: one HTML page that needs nothing else, or Markdown."""
