"""Runs PyTorch's operator database through tour and compares: values, shapes, dtypes, call forms, errors, gradients."""
