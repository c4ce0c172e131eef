// Scaled dot-product attention without a matrix of scores (Dao et al., "FlashAttention", 2022): tile by tile, in shared memory.
//
// q is (N, L, E), k (N, S, E), v (N, S, E), E at most HEAD; results likewise. What the forward pass keeps of the weights is the logarithm
// of each row's sum; the backward pass computes them anew. Its two kernels go by rows and by columns, so nothing is added atomically,
// and results are the same every time. With `causal`, row i sees columns 0 to i, and tiles that nobody sees are left out.
//
// HEAD, ROWS, COLS and TILE (of the backward pass), multiples of 16, are given by the compiler's -D. A block has 16 times 16 threads; thread (x, y) has the rows
// y, y + 16, … of a tile and the columns x, x + 16, …

#include "common.cuh"

#define SIDE 16
#define MY_ROWS (ROWS / SIDE)
#define MY_COLS (COLS / SIDE)
#define MY_TILE (TILE / SIDE)
#define MY_HEAD (HEAD / SIDE)
#define PITCH (HEAD + 1)  // an odd pitch: threads beside each other meet different banks
#define EACH for (int e = 0; e < MY_HEAD; ++e)

typedef A Tile[PITCH];

// `count` rows from row `first` of an (n, width) matrix into shared memory, zeros beyond its edges.
__device__ void load(Tile* tile, const T* from, i64 first, int count, i64 n, int width, A factor) {
    for (int i = threadIdx.y * SIDE + threadIdx.x; i < count * HEAD; i += SIDE * SIDE) {
        int row = i / HEAD, e = i % HEAD;
        tile[row][e] = first + row < n && e < width ? factor * (A)from[(first + row) * width + e] : (A)0;
    }
}

__device__ A dot(const A* a, const A* b) {
    A sum = 0;
#pragma unroll 8
    for (int e = 0; e < HEAD; ++e) sum += a[e] * b[e];
    return sum;
}

// Over the 16 threads that share rows.
__device__ A row_sum(A v) {
    for (int o = SIDE / 2; o; o >>= 1) v += __shfl_xor_sync(ALL_LANES, v, o);
    return v;
}

__device__ A row_max(A v) {
    for (int o = SIDE / 2; o; o >>= 1) {
        A other = __shfl_xor_sync(ALL_LANES, v, o);
        v = other > v ? other : v;
    }
    return v;
}

// blockIdx.x: a tile of rows; blockIdx.y: which of the N.
extern "C" __global__ void __launch_bounds__(256, 1) attention(
    const T* q, const T* k, const T* v, T* out, A* sums, i64 N, i64 L, i64 S, int width, int causal, A scale
) {
    __shared__ Tile queries[ROWS], others[COLS];
    __shared__ A weights[ROWS][COLS + 1];
    int x = threadIdx.x, y = threadIdx.y;
    i64 first = (i64)blockIdx.x * ROWS;
    for (i64 n = blockIdx.y; n < N; n += gridDim.y) {
        A total[MY_ROWS][MY_HEAD], top[MY_ROWS], sum[MY_ROWS];
        for (int i = 0; i < MY_ROWS; ++i) {
            top[i] = -INFINITE, sum[i] = 0;
            EACH total[i][e] = 0;
        }
        load(queries, q + n * L * width, first, ROWS, L, width, scale);
        i64 end = causal && first + ROWS < S ? first + ROWS : S;
        for (i64 column = 0; column < end; column += COLS) {
            load(others, k + n * S * width, column, COLS, S, width, 1);
            __syncthreads();
            for (int i = 0; i < MY_ROWS; ++i) {
                int row = y + SIDE * i;
                A score[MY_COLS], best = top[i];
                for (int j = 0; j < MY_COLS; ++j) {
                    i64 c = column + x + SIDE * j;
                    bool seen = c < S && (!causal || c <= first + row);
                    score[j] = seen ? dot(queries[row], others[x + SIDE * j]) : -INFINITE;
                    if (score[j] > best || score[j] != score[j]) best = score[j];
                }
                best = row_max(best);
                A base = best == -INFINITE ? (A)0 : best, shrink = exp(top[i] - base), part = 0;
                for (int j = 0; j < MY_COLS; ++j) {
                    A p = exp(score[j] - base);
                    weights[row][x + SIDE * j] = p;
                    part += p;
                }
                sum[i] = sum[i] * shrink + row_sum(part);
                top[i] = best;
                EACH total[i][e] *= shrink;
            }
            __syncthreads();
            load(others, v + n * S * width, column, COLS, S, width, 1);
            __syncthreads();
#pragma unroll 4
            for (int c = 0; c < COLS; ++c)
                for (int i = 0; i < MY_ROWS; ++i) {
                    A p = weights[y + SIDE * i][c];
                    EACH total[i][e] += p * others[c][x + SIDE * e];
                }
            __syncthreads();
        }
        for (int i = 0; i < MY_ROWS; ++i) {
            i64 row = first + y + SIDE * i;
            if (row >= L) continue;
            A divisor = sum[i] == 0 ? (A)1 : sum[i];  // a row that sees nothing gives zeros
            EACH if (x + SIDE * e < width) out[(n * L + row) * width + x + SIDE * e] = (T)(total[i][e] / divisor);
            if (x == 0) sums[n * L + row] = log(divisor) + (top[i] == -INFINITE ? (A)0 : top[i]);
        }
    }
}

// inner[row] = sum(g * out), for both kernels below; a warp for each row.
extern "C" __global__ void attention_inner(const T* g, const T* out, A* inner, i64 rows, int width) {
    i64 step = STEP / WARP;
    for (i64 row = FIRST / WARP; row < rows; row += step) {
        A sum = 0;
        for (int e = threadIdx.x % WARP; e < width; e += WARP) sum += (A)g[row * width + e] * (A)out[row * width + e];
        sum = warp_sum(sum);
        if (threadIdx.x % WARP == 0) inner[row] = sum;
    }
}

// Weight p of a row and column, and the gradient of its score.
struct Weight {
    A p, slope;
};

__device__ Weight weight(const A* query, const A* key, const A* value, const A* g, A sum, A inner, bool seen) {
    Weight w = {0, 0};
    if (seen) {
        w.p = exp(dot(query, key) - sum);
        w.slope = w.p * (dot(g, value) - inner);
    }
    return w;
}

// Here tiles are TILE times TILE. blockIdx.x: a tile of rows.
extern "C" __global__ void __launch_bounds__(256, 1) attention_query_grad(
    const T* g, const T* q, const T* k, const T* v, const A* sums, const A* inner, T* grad, i64 N, i64 L, i64 S, int width, int causal,
    A scale
) {
    __shared__ Tile queries[TILE], gradients[TILE], keys[TILE], values[TILE];
    __shared__ A slopes[TILE][TILE + 1];
    int x = threadIdx.x, y = threadIdx.y;
    i64 first = (i64)blockIdx.x * TILE;
    for (i64 n = blockIdx.y; n < N; n += gridDim.y) {
        A total[MY_TILE][MY_HEAD];
        for (int i = 0; i < MY_TILE; ++i) EACH total[i][e] = 0;
        load(queries, q + n * L * width, first, TILE, L, width, scale);
        load(gradients, g + n * L * width, first, TILE, L, width, 1);
        i64 end = causal && first + TILE < S ? first + TILE : S;
        for (i64 column = 0; column < end; column += TILE) {
            load(keys, k + n * S * width, column, TILE, S, width, 1);
            load(values, v + n * S * width, column, TILE, S, width, 1);
            __syncthreads();
            for (int i = 0; i < MY_TILE; ++i)
                for (int j = 0; j < MY_TILE; ++j) {
                    int row = y + SIDE * i, c = x + SIDE * j;
                    bool seen = first + row < L && column + c < S && (!causal || column + c <= first + row);
                    A sum = seen ? sums[n * L + first + row] : (A)0, along = seen ? inner[n * L + first + row] : (A)0;
                    slopes[row][c] = weight(queries[row], keys[c], values[c], gradients[row], sum, along, seen).slope;
                }
            __syncthreads();
#pragma unroll 4
            for (int c = 0; c < TILE; ++c)
                for (int i = 0; i < MY_TILE; ++i) {
                    A slope = slopes[y + SIDE * i][c];
                    EACH total[i][e] += slope * keys[c][x + SIDE * e];
                }
            __syncthreads();
        }
        for (int i = 0; i < MY_TILE; ++i) {
            i64 row = first + y + SIDE * i;
            EACH if (row < L && x + SIDE * e < width) grad[(n * L + row) * width + x + SIDE * e] = (T)(scale * total[i][e]);
        }
    }
}

// blockIdx.x: a tile of columns. Thread (x, y) has the columns y, y + 16, … of it.
extern "C" __global__ void __launch_bounds__(256, 1) attention_key_value_grad(
    const T* g, const T* q, const T* k, const T* v, const A* sums, const A* inner, T* key_grad, T* value_grad, i64 N, i64 L, i64 S,
    int width, int causal, A scale
) {
    __shared__ Tile queries[TILE], gradients[TILE], keys[TILE], values[TILE];
    __shared__ A slopes[TILE][TILE + 1], weights[TILE][TILE + 1];
    int x = threadIdx.x, y = threadIdx.y;
    i64 first = (i64)blockIdx.x * TILE;
    for (i64 n = blockIdx.y; n < N; n += gridDim.y) {
        A to_key[MY_TILE][MY_HEAD], to_value[MY_TILE][MY_HEAD];
        for (int i = 0; i < MY_TILE; ++i) EACH to_key[i][e] = 0, to_value[i][e] = 0;
        load(keys, k + n * S * width, first, TILE, S, width, 1);
        load(values, v + n * S * width, first, TILE, S, width, 1);
        for (i64 begin = causal ? first : 0; begin < L; begin += TILE) {
            load(queries, q + n * L * width, begin, TILE, L, width, scale);
            load(gradients, g + n * L * width, begin, TILE, L, width, 1);
            __syncthreads();
            for (int i = 0; i < MY_TILE; ++i)
                for (int j = 0; j < MY_TILE; ++j) {
                    int c = y + SIDE * i, row = x + SIDE * j;
                    bool seen = begin + row < L && first + c < S && (!causal || first + c <= begin + row);
                    A sum = seen ? sums[n * L + begin + row] : (A)0, along = seen ? inner[n * L + begin + row] : (A)0;
                    Weight w = weight(queries[row], keys[c], values[c], gradients[row], sum, along, seen);
                    weights[c][row] = w.p, slopes[c][row] = w.slope;
                }
            __syncthreads();
#pragma unroll 4
            for (int row = 0; row < TILE; ++row)
                for (int i = 0; i < MY_TILE; ++i) {
                    A p = weights[y + SIDE * i][row], slope = slopes[y + SIDE * i][row];
                    EACH {
                        to_value[i][e] += p * gradients[row][x + SIDE * e];
                        to_key[i][e] += slope * queries[row][x + SIDE * e];
                    }
                }
            __syncthreads();
        }
        for (int i = 0; i < MY_TILE; ++i) {
            i64 c = first + y + SIDE * i;
            if (c >= S) continue;
            EACH if (x + SIDE * e < width) {
                key_grad[(n * S + c) * width + x + SIDE * e] = (T)to_key[i][e];
                value_grad[(n * S + c) * width + x + SIDE * e] = (T)to_value[i][e];
            }
        }
    }
}
