"""Parity with real servers: command lines in `*.txt`, the real answers in `recordings/`, the machine in `machine/`."""
