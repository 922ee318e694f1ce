"""We answer commands here: python -m core COMMAND, a file for each group of them."""
