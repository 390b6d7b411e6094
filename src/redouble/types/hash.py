"""Placeholder until the structures land."""


class Hash:
    type_name = b"hash"
