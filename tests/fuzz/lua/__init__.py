"""The differential fuzzer of scripts: the same random Lua programs to redouble and to a real server.

    language.py  what programs are made of
    programs.py  makes programs as trees, and makes a tree smaller
    duel.py      runs programs on both servers and tells which of them differ

`python -m tests.fuzz --lua` runs it.
"""
