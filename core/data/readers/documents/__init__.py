"""We read documents here, from files of many kinds: a file for each kind, and the folders that hold them."""
