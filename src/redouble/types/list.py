"""Placeholder until the structures land."""


class List:
    type_name = b"list"
