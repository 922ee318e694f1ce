"""We read one kind of file each here, and say with file, line and cure what cannot be read."""
