// Softmax, its logarithm, and cross entropy over class indices. Each row of n numbers is one block's, and rows follow one another;
// the kernels called _columns go along another dimension, whose numbers lie `inner` apart: one thread for each.

#include "common.cuh"

// Maximum, and sum of the exponentials below it, in one pass (Milakov and Gimelshein, 2018).
struct Total {
    A top, sum;
};

__device__ Total nothing() {
    Total t = {-INFINITE, 0};
    return t;
}

__device__ void add(Total& t, A x) {
    if (x > t.top) {
        t.sum = t.sum * exp(t.top - x) + exp(x - x);  // the last is 1, or NaN for infinity
        t.top = x;
    } else if (x != -INFINITE) {
        t.sum += exp(x - t.top);
    }
}

__device__ Total joined(Total a, Total b) {
    Total t;
    t.top = a.top > b.top ? a.top : b.top;
    A left = a.top == t.top ? a.sum : a.sum * exp(a.top - t.top), right = b.top == t.top ? b.sum : b.sum * exp(b.top - t.top);
    t.sum = left + right;
    return t;
}

__device__ Total warp_total(Total t) {
    for (int o = WARP / 2; o; o >>= 1) {
        Total other = {__shfl_xor_sync(ALL_LANES, t.top, o), __shfl_xor_sync(ALL_LANES, t.sum, o)};
        t = joined(t, other);
    }
    return t;
}

__device__ Total block_total(Total t) {
    __shared__ A tops[WARP], sums[WARP];
    int lane = threadIdx.x % WARP, warp = threadIdx.x / WARP;
    t = warp_total(t);
    __syncthreads();  // the call before may still be reading
    if (lane == 0) tops[warp] = t.top, sums[warp] = t.sum;
    __syncthreads();
    Total mine = nothing();
    if (lane < blockDim.x / WARP) mine.top = tops[lane], mine.sum = sums[lane];
    return warp_total(mine);
}

__device__ A value(A x, Total t, int logarithm) { return logarithm ? x - t.top - log(t.sum) : exp(x - t.top) / t.sum; }

__device__ A slope(A g, A y, A sum, int logarithm) { return logarithm ? g - exp(y) * sum : y * (g - sum); }

extern "C" __global__ void softmax_rows(const T* x, T* y, i64 rows, i64 n, int logarithm) {
    for (i64 row = blockIdx.x; row < rows; row += gridDim.x) {
        Total t = nothing();
        for (i64 j = threadIdx.x; j < n; j += blockDim.x) add(t, (A)x[row * n + j]);
        t = block_total(t);
        for (i64 j = threadIdx.x; j < n; j += blockDim.x) y[row * n + j] = (T)value((A)x[row * n + j], t, logarithm);
    }
}

extern "C" __global__ void softmax_columns(const T* x, T* y, i64 outer, i64 n, i64 inner, int logarithm) {
    for (i64 i = FIRST; i < outer * inner; i += STEP) {
        i64 first = over(i, inner) * n * inner + rest(i, inner);
        Total t = nothing();
        for (i64 j = 0; j < n; ++j) add(t, (A)x[first + j * inner]);
        for (i64 j = 0; j < n; ++j) y[first + j * inner] = (T)value((A)x[first + j * inner], t, logarithm);
    }
}

extern "C" __global__ void softmax_grad_rows(const T* g, const T* y, T* grad, i64 rows, i64 n, int logarithm) {
    for (i64 row = blockIdx.x; row < rows; row += gridDim.x) {
        A sum = 0;
        for (i64 j = threadIdx.x; j < n; j += blockDim.x) sum += (A)g[row * n + j] * (logarithm ? (A)1 : (A)y[row * n + j]);
        sum = block_sum(sum);
        for (i64 j = threadIdx.x; j < n; j += blockDim.x)
            grad[row * n + j] = (T)slope((A)g[row * n + j], (A)y[row * n + j], sum, logarithm);
    }
}

extern "C" __global__ void softmax_grad_columns(const T* g, const T* y, T* grad, i64 outer, i64 n, i64 inner, int logarithm) {
    for (i64 i = FIRST; i < outer * inner; i += STEP) {
        i64 first = over(i, inner) * n * inner + rest(i, inner);
        A sum = 0;
        for (i64 j = 0; j < n; ++j) sum += (A)g[first + j * inner] * (logarithm ? (A)1 : (A)y[first + j * inner]);
        for (i64 j = 0; j < n; ++j)
            grad[first + j * inner] = (T)slope((A)g[first + j * inner], (A)y[first + j * inner], sum, logarithm);
    }
}

// Loss of each row, and its probabilities. With weights w and smoothing e, the loss of target t is
// (1 - e) w_t (log sum - x_t) + e / n sum_j w_j (log sum - x_j).
extern "C" __global__ void cross_entropy(
    const T* x, const i64* target, const T* weight, T* losses, T* probabilities, i64 rows, i64 n, i64 ignore, A smoothing, i64* fault
) {
    for (i64 row = blockIdx.x; row < rows; row += gridDim.x) {
        const T* mine = x + row * n;
        Total t = nothing();
        for (i64 j = threadIdx.x; j < n; j += blockDim.x) add(t, (A)mine[j]);
        t = block_total(t);
        A log_sum = log(t.sum), spread = 0;
        for (i64 j = threadIdx.x; j < n; j += blockDim.x) {
            A shifted = (A)mine[j] - t.top;
            probabilities[row * n + j] = (T)(exp(shifted) / t.sum);
            if (smoothing != 0) spread += (weight ? (A)weight[j] : (A)1) * (log_sum - shifted);
        }
        if (smoothing != 0) spread = block_sum(spread);
        if (threadIdx.x == 0) {
            i64 chosen = target[row];
            A loss = 0;
            if (chosen != ignore && inside(chosen, n, 1, fault)) {
                loss = (weight ? (A)weight[chosen] : (A)1) * (log_sum - ((A)mine[chosen] - t.top));
                if (smoothing != 0) loss = (1 - smoothing) * loss + smoothing / n * spread;
            }
            losses[row] = (T)loss;
        }
    }
}

extern "C" __global__ void cross_entropy_grad(
    const T* g, const T* probabilities, const i64* target, const T* weight, T* grad, i64 rows, i64 n, i64 ignore, A smoothing
) {
    A weights = n;  // their sum
    if (weight && smoothing != 0) {
        A part = 0;
        for (i64 j = threadIdx.x; j < n; j += blockDim.x) part += (A)weight[j];
        weights = block_sum(part);
    }
    for (i64 row = blockIdx.x; row < rows; row += gridDim.x) {
        i64 chosen = target[row];
        bool counts = chosen != ignore && 0 <= chosen && chosen < n;
        A from = counts ? (A)g[row] : (A)0;
        A share = counts ? (1 - smoothing) * (weight ? (A)weight[chosen] : (A)1) : (A)0;
        for (i64 j = threadIdx.x; j < n; j += blockDim.x) {
            A slope = (share + smoothing / n * weights) * (A)probabilities[row * n + j];
            if (smoothing != 0) slope -= smoothing / n * (weight ? (A)weight[j] : (A)1);
            if (j == chosen) slope -= share;
            grad[row * n + j] = (T)(from == 0 ? (A)0 : from * slope);
        }
    }
}

// Scores of attention in columns behind the row become minus infinity; s is (n / L / S, L, S).
extern "C" __global__ void hide_later(T* s, i64 n, i64 L, i64 S) {
    for (i64 i = FIRST; i < n; i += STEP)
        if (rest(i, S) > rest(over(i, S), L)) s[i] = (T)(-INFINITE);
}
