"""Why queries fail, and what each fix could gain: read from runs, labels and the data, without running a system."""
