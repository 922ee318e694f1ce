"""What a system costs is estimated here, line by line, from a scenario and dated prices; and when a trained one pays off."""
