"""The library of Lua as Redis gives it: one module for each table that scripts see."""
