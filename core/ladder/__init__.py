"""We climb the ladder here: each rung is chosen on tuning queries, and the test queries judge what was chosen, once."""
