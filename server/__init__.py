"""In front of the app: who may enter, and what somebody who is not at this machine may name."""
