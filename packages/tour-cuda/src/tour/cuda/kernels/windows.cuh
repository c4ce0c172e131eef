// Windows that slide over an image: window number o, at a tap of the kernel, meets the element o * stride - pad + tap * dilation.

// Which window meets an element at a tap; -1 for none of the `count`.
__device__ int window_at(int place, int tap, int count, int stride, int pad, int dilation) {
    int from = place + pad - tap * dilation;
    return from >= 0 && from % stride == 0 && from / stride < count ? from / stride : -1;
}
