"""We keep files here: whole or not there, sealed by checksums, held while they are written, set aside when damaged."""
