"""Sources of the kernels, which Numba compiles. Imported only where the cache on disk has no code.

A kernel is `kernel(arguments, part, parts)`. `arguments` is the address of its values, 8 bytes each, in the order in which the
form passed them. It computes share `part` of `parts`, allocates nothing and raises nothing. Memory is read and written through
typed pointers, as in C: nobody checks an index.
"""
