"""What a suite of tests holds: a server for each test, clients of it, and their end; with pytest, unittest or neither.

A *backend* makes the servers and the clients: `fake.FakeBackend` in this process, `real.RealBackend` at an address.
The fixtures (`redouble/fixtures.py`) ask a backend and do not know which one it is, which is what lets the same tests
run on both.
"""
