"""We put into words here what a ladder has decided, keep it, and compare systems of one's own with it."""
