"""The differential fuzzer: the same random commands to redouble and to a real server.

    grammar.py   a small language of command templates, and the mistakes that are made on purpose
    families.py  the templates: which commands
    values.py    the arguments in them
    generator.py makes commands of both, and units of those that belong together
    rules.py     how two answers are compared
    duel.py      plays commands on both servers and finds the first answer or value that differs
    shrink.py    makes a list of commands that shows a difference as short as it can be

`python -m tests.fuzz --help` says how to run it.
"""
