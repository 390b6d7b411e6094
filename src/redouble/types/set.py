"""Placeholder until the structures land."""


class Set:
    type_name = b"set"
