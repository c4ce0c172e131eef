"""PyTorch's `torch.signal`."""

from tour.signal import windows as windows
