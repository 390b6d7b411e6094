"""The modules' commands and types, a folder for each module (`dialects/modules.py` names them).  In each folder:

    __init__.py   imports what registers itself: the commands, and how values are written and read
    commands/     the commands, one file for each family
    versions.py   what differs between the versions of the module, one attribute for each difference
    rdb.py        the values in DUMP and RDB files
    and the structures, each usable and testable alone

A folder is imported when one of its commands is first asked for.
"""
