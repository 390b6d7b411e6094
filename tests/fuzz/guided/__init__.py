"""The coverage-guided fuzzer: bytes that lead somewhere new in the code, for what reads bytes of strangers.

    targets.py   what is tried with some bytes, and what must hold
    requests.py  the simplest parser of requests there is, to compare with
    __main__.py  `python -m tests.fuzz.guided TARGET [options of libFuzzer]`; wants atheris (CPython 3.10 to 3.13)
    merge.py     takes over into the corpus what reaches more of the code

`tests/fuzz/corpus` holds inputs that reach every part; `test_corpus.py` plays them, and some that are near to them, with
every test run.  What once went wrong goes there, too.
"""
