"""Words: how a text becomes tokens, and tokens terms."""
