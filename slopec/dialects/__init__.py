"""Views of the dialects whose ops the MLIR bindings know only by name.

The bindings import `slopec.dialects.<namespace>` the first time they meet an op of that namespace
(`slopec.ir` registers this package as a search prefix). A registered view makes wrapping an op ten
times cheaper than the failing import it replaces, and gives its operands names.
"""
