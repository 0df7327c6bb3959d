"""Readers of logs that other evaluation tools wrote, one file a format.

Every reader maps a file to the same named tuples, ``oracle.logs.rows.Log``.
"""
