"""Other frameworks' programs as modules of slopec; those frameworks are never a dependency.

graph          functions as data: steps, references, and how they are run
aten           what each of PyTorch's operations is in ours, by family
exported       what `torch.export` made, read into graphs
module         a module of PyTorch as one of ours
from_torch     what users call
onnx           what each operator of ONNX is in ours, by family; graphs of them
onnx_writing   what each op of StableHLO is in ONNX, by family
from_onnx      what users call
to_onnx        what users call
"""
