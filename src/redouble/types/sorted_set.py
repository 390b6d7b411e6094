"""Placeholder until the structures land."""


class SortedSet:
    type_name = b"zset"
