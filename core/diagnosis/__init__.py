"""We find out here why queries fail and what each fix could gain, from runs, labels and the data; nothing is run."""
