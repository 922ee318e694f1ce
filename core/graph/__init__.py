"""We wire stages into graphs here, run each distinct node once, and tell how long that takes."""
