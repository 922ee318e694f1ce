"""We say here what a retrieval system is: its fields, its YAML, which ones can be chosen, and its graph of stages."""
