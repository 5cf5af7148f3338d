"""Tensors outside a trace: ops are recorded as they are called and run when a value is wanted.

`graph.py` is what is recorded, `record.py` records it, `extract.py` turns the ops between known
values and wanted ones into a function of a module, `plan.py` runs that function, by the reference
evaluator or compiled, and `evaluate.py` keeps what comes out. `autograd.py` has the same functions
derived, for `backward()`.
"""
