"""The parity machine: plays command lines at real servers and at redouble, and compares what comes back, byte by byte.

    scenario.py   reads the scenario files: command lines without expected values
    wire.py       RESP messages as bytes and trees; knows nothing of redouble
    real.py       starts and stops real servers
    play.py       plays a scenario at a server, real or ours, and collects the outcomes
    normalise.py  what may differ between two right answers (order, time, chance): the one place that says so
    recording.py  the real servers' answers on disk

How to write scenarios: docs/parity.md.
"""
