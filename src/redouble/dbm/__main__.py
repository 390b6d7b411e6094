"""`python -m redouble.dbm`."""

from redouble.dbm.command import main

if __name__ == "__main__":
    raise SystemExit(main())
