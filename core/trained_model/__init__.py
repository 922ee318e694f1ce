"""We find out here what a trained model is worth: on queries that it has not seen, next to what it was trained from."""
