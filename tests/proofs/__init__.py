"""What takes too long for every run of the tests: `tools/prove.py` runs it and writes docs/proofs.md.

pair.py         a real server and redouble, asked the same
hyperloglog.py  counts and bytes of HyperLogLogs
geo.py          searches on the map
"""
