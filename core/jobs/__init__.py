"""We run long work here as jobs, one heavy one at a time, and keep their state where every process sees it."""
