"""What a retrieval system is: its fields and their YAML spelling, the systems that can be chosen, and its graph of stages."""
