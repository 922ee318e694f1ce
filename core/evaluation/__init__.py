"""Runs and labels made into measures, means with intervals, and verdicts on differences. Sees frames only."""
