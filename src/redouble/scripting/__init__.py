"""A Lua 5.1 of our own, for EVAL and FUNCTION: pure Python, and nothing of Python within reach of a script."""
