// Windows of an image as columns (im2col), their sum back into the image, and the bias of a convolution. Fewer than three dimensions
// are sizes of 1 in front. Columns are [sample, channel, tap, window]; the sum is gathered, so that no two threads add into one place.

#include "common.cuh"
#include "windows.cuh"

extern "C" __global__ void im2col(
    const T* x, T* columns, i64 planes, int d, int h, int w, int od, int oh, int ow, int kd, int kh, int kw, int sd, int sh, int sw,
    int pd, int ph, int pw, int dd, int dh, int dw
) {
    i64 windows = (i64)od * oh * ow, taps = (i64)kd * kh * kw;
    for (i64 i = FIRST; i < planes * taps * windows; i += STEP) {
        int c = rest(i, ow), b = rest(over(i, ow), oh), a = rest(over(i, (i64)ow * oh), od);
        i64 plane = over(i, windows * taps);
        int tap = rest(over(i, windows), taps);
        int z = a * sd - pd + tap / (kh * kw) * dd, v = b * sh - ph + tap / kw % kh * dh, u = c * sw - pw + tap % kw * dw;
        bool in = z >= 0 && z < d && v >= 0 && v < h && u >= 0 && u < w;
        columns[i] = in ? x[((plane * d + z) * h + v) * w + u] : (T)0.0f;
    }
}

extern "C" __global__ void col2im(
    const T* columns, T* x, i64 planes, int d, int h, int w, int od, int oh, int ow, int kd, int kh, int kw, int sd, int sh, int sw,
    int pd, int ph, int pw, int dd, int dh, int dw
) {
    i64 size = (i64)d * h * w, windows = (i64)od * oh * ow, taps = (i64)kd * kh * kw;
    for (i64 i = FIRST; i < planes * size; i += STEP) {
        int u = rest(i, w), v = rest(over(i, w), h), z = rest(over(i, (i64)w * h), d);
        const T* mine = columns + over(i, size) * taps * windows;
        A sum = 0;
        for (int k = 0; k < kd; ++k) {
            int a = window_at(z, k, od, sd, pd, dd);
            for (int l = 0; l < kh && a >= 0; ++l) {
                int b = window_at(v, l, oh, sh, ph, dh);
                for (int m = 0; m < kw && b >= 0; ++m) {
                    int c = window_at(u, m, ow, sw, pw, dw);
                    if (c >= 0) sum += (A)mine[(((i64)k * kh + l) * kw + m) * windows + ((i64)a * oh + b) * ow + c];
                }
            }
        }
        x[i] = (T)sum;
    }
}

// y[sample, channel, :] += bias[channel]
extern "C" __global__ void add_bias(T* y, const T* bias, i64 n, i64 channels, i64 size) {
    for (i64 i = FIRST; i < n; i += STEP) y[i] = (T)((A)y[i] + (A)bias[rest(over(i, size), channels)]);
}
