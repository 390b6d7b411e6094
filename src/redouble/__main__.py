"""`python -m redouble` is the command `redouble`."""

from redouble.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
