"""Charts of a recommendation are drawn here as plain Plotly figures, for the report and for the pages."""
