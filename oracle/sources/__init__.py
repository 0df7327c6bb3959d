"""Where questions about images come from, one file a source.

Every source gives the same thing, ``oracle.sources.rows.Rows``: raw values by row number, with
nothing decoded and nothing but numbers in memory.
"""
