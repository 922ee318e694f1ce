"""We make measures, means with intervals and verdicts of runs and labels here; only frames come in."""
