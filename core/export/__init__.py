"""What leaves this tool: a system written out for use without it, and an experiment as a zip, which comes in again too."""
