"""Functions of numbers written with StableHLO's exact operations, right to the last digits.

Each takes tensors of float32 or float64 and writes elementwise ops, which are fused with what is
around them. `slopec.passes.exact_elementwise` says which op becomes which.
"""
