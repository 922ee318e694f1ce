"""We ask models here that answer over HTTP: one client for all of them, with its limits, waits and sentences."""
