"""The ops of a tensor, by family; each function here is also a method of `Tensor`."""
