"""Array kernels of the layers: plain NumPy in, plain NumPy out.

Every kernel is a pure function on arrays, with its gradients as separate functions, so that a backward pass computes
only what it needs. Arguments are already checked and normalised: tuples with one entry per spatial dimension, channels
second, a floating dtype shared by all operands.
"""
