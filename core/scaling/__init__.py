"""Latency at other sizes of a corpus is estimated here, from curves through what was timed at several sizes."""
