"""FT.AGGREGATE: rows, the steps that they go through, and the expressions in them."""
