"""The load test: many clients, good and bad, against a server that really runs."""
