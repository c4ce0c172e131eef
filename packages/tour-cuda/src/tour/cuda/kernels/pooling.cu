// Max and average pooling over planes of up to three dimensions, and their gradients. Fewer dimensions are sizes of 1 in front. Gradients
// are gathered: each element of the input asks the windows that cover it, so that no two threads add into one place.

#include "common.cuh"
#include "windows.cuh"

// Among equal maxima the first counts; NaN counts as the largest, the last of several. `indices` are places in the plane, or null.
extern "C" __global__ void max_pool(
    const T* x, T* y, i64* indices, i64 planes, int d, int h, int w, int od, int oh, int ow, int kd, int kh, int kw, int sd, int sh,
    int sw, int pd, int ph, int pw, int dd, int dh, int dw
) {
    i64 windows = (i64)od * oh * ow;
    for (i64 i = FIRST; i < planes * windows; i += STEP) {
        int c = rest(i, ow), b = rest(over(i, ow), oh), a = rest(over(i, (i64)ow * oh), od);
        const T* plane = x + over(i, windows) * d * h * w;
        A best = -INFINITE;
        i64 where = -1;
        for (int k = 0; k < kd; ++k)
            for (int l = 0; l < kh; ++l)
                for (int m = 0; m < kw; ++m) {
                    int z = a * sd - pd + k * dd, v = b * sh - ph + l * dh, u = c * sw - pw + m * dw;
                    if (z < 0 || z >= d || v < 0 || v >= h || u < 0 || u >= w) continue;
                    i64 place = ((i64)z * h + v) * w + u;
                    A seen = (A)plane[place];
                    if (where < 0) where = place;
                    if (seen > best || seen != seen) best = seen, where = place;
                }
        y[i] = (T)best;
        if (indices) indices[i] = where;
    }
}

extern "C" __global__ void max_pool_grad(
    const T* g, const i64* indices, T* grad, i64 planes, int d, int h, int w, int od, int oh, int ow, int kd, int kh, int kw, int sd,
    int sh, int sw, int pd, int ph, int pw, int dd, int dh, int dw
) {
    i64 size = (i64)d * h * w, windows = (i64)od * oh * ow;
    for (i64 i = FIRST; i < planes * size; i += STEP) {
        int u = rest(i, w), v = rest(over(i, w), h), z = rest(over(i, (i64)w * h), d);
        i64 place = rest(i, size), first = over(i, size) * windows;
        A sum = 0;
        for (int k = 0; k < kd; ++k) {
            int a = window_at(z, k, od, sd, pd, dd);
            for (int l = 0; l < kh && a >= 0; ++l) {
                int b = window_at(v, l, oh, sh, ph, dh);
                for (int m = 0; m < kw && b >= 0; ++m) {
                    int c = window_at(u, m, ow, sw, pw, dw);
                    i64 window = first + ((i64)a * oh + b) * ow + c;
                    if (c >= 0 && indices[window] == place) sum += (A)g[window];
                }
            }
        }
        grad[i] = (T)sum;
    }
}

// How many elements the window that begins at `start` covers along one dimension, and which are inside.
__device__ int covered(int start, int kernel, int n, int pad, int include_pad, int* from, int* to) {
    int end = start + kernel < n + pad ? start + kernel : n + pad;
    *from = start > 0 ? start : 0;
    *to = end < n ? end : n;
    return include_pad ? end - start : *to - *from;
}

// The divisor is the number of elements covered, or `divisor` where that is not 0.
extern "C" __global__ void avg_pool(
    const T* x, T* y, i64 planes, int d, int h, int w, int od, int oh, int ow, int kd, int kh, int kw, int sd, int sh, int sw, int pd,
    int ph, int pw, int include_pad, i64 divisor
) {
    i64 windows = (i64)od * oh * ow;
    for (i64 i = FIRST; i < planes * windows; i += STEP) {
        int c = rest(i, ow), b = rest(over(i, ow), oh), a = rest(over(i, (i64)ow * oh), od), from[3], to[3];
        i64 count = (i64)covered(a * sd - pd, kd, d, pd, include_pad, &from[0], &to[0])
            * covered(b * sh - ph, kh, h, ph, include_pad, &from[1], &to[1])
            * covered(c * sw - pw, kw, w, pw, include_pad, &from[2], &to[2]);
        const T* plane = x + over(i, windows) * d * h * w;
        A sum = 0;
        for (int z = from[0]; z < to[0]; ++z)
            for (int v = from[1]; v < to[1]; ++v)
                for (int u = from[2]; u < to[2]; ++u) sum += (A)plane[((i64)z * h + v) * w + u];
        y[i] = (T)(sum / (A)(divisor ? divisor : count));
    }
}

extern "C" __global__ void avg_pool_grad(
    const T* g, T* grad, i64 planes, int d, int h, int w, int od, int oh, int ow, int kd, int kh, int kw, int sd, int sh, int sw,
    int pd, int ph, int pw, int include_pad, i64 divisor
) {
    i64 size = (i64)d * h * w, windows = (i64)od * oh * ow;
    for (i64 i = FIRST; i < planes * size; i += STEP) {
        int u = rest(i, w), v = rest(over(i, w), h), z = rest(over(i, (i64)w * h), d), from, to;
        i64 first = over(i, size) * windows;
        A sum = 0;
        for (int k = 0; k < kd; ++k) {
            int a = window_at(z, k, od, sd, pd, 1);
            for (int l = 0; l < kh && a >= 0; ++l) {
                int b = window_at(v, l, oh, sh, ph, 1);
                for (int m = 0; m < kw && b >= 0; ++m) {
                    int c = window_at(u, m, ow, sw, pw, 1);
                    if (c < 0) continue;
                    i64 count = (i64)covered(a * sd - pd, kd, d, pd, include_pad, &from, &to)
                        * covered(b * sh - ph, kh, h, ph, include_pad, &from, &to)
                        * covered(c * sw - pw, kw, w, pw, include_pad, &from, &to);
                    sum += (A)g[first + ((i64)a * oh + b) * ow + c] / (A)(divisor ? divisor : count);
                }
            }
        }
        grad[i] = (T)sum;
    }
}
