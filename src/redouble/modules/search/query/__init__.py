"""The query language: text to tree, and the tree as FT.EXPLAIN shows it."""
