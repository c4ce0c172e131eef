// Scaled dot-product attention without a matrix of scores (Dao et al., "FlashAttention", 2022): tile by tile, in shared memory.
//
// q is (N, L, E), k and v are (N / group, S, E), E at most HEAD; results likewise. What the forward pass keeps of the weights is the
// logarithm of each row's sum; the backward pass computes them anew. Its two kernels go by rows and by columns, so nothing is added
// atomically, and results are the same every time. With `causal`, row i sees columns 0 to i, and tiles that nobody sees are left out.
//
// A mask is (N / heads, heads, L, S), of which dimensions that it is broadcast along have the step 0; it either says who sees whom or is
// added to the scores. Where there is a `state`, each weight is kept with probability `keep`, by the random word of its place.
//
// HEAD, ROWS, COLS and TILE (of the backward pass), multiples of 16, are given by the compiler's -D. A block has 16 times 16 threads; thread (x, y) has the rows
// y, y + 16, … of a tile and the columns x, x + 16, …

#include "common.cuh"
#include "philox.cuh"

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

struct Mask {
    const u8* sees;
    const A* bias;
    i64 row, column;  // steps
};

__device__ Mask mask_of(const u8* sees, const A* bias, i64 n, i64 heads, i64 batch, i64 head, i64 row, i64 column) {
    i64 first = n / heads * batch + n % heads * head;
    Mask m = {sees ? sees + first : sees, bias ? bias + first : bias, row, column};
    return m;
}

__device__ A masked(const Mask& m, A score, i64 row, i64 column) {
    i64 at = row * m.row + column * m.column;
    if (m.sees && !m.sees[at]) return -INFINITE;
    return m.bias ? score + m.bias[at] : score;
}

// The factor of the weight at a place: 0 or 1 / keep. Forward and backward passes find the same, as does `bernoulli` of random.cu.
__device__ A kept(const u64* state, i64 place, A keep) {
    if (!state) return 1;
    u32 word[4];
    philox(state[0], state[1] + (place >> 2), word);
    u32 mine = place & 2 ? (place & 1 ? word[3] : word[2]) : (place & 1 ? word[1] : word[0]);
    return (A)((mine >> 8) * 5.9604644775390625e-08f) < keep ? 1 / keep : (A)0;
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
    const T* q, const T* k, const T* v, T* out, A* sums, const u8* sees, const A* bias, const u64* state, i64 N, i64 L, i64 S,
    i64 group, i64 heads, i64 batch_step, i64 head_step, i64 row_step, i64 column_step, int width, int causal, A scale, A keep
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
        Mask mask = mask_of(sees, bias, n, heads, batch_step, head_step, row_step, column_step);
        const T *keys = k + n / group * S * width, *values = v + n / group * S * width;
        load(queries, q + n * L * width, first, ROWS, L, width, scale);
        i64 end = causal && first + ROWS < S ? first + ROWS : S;
        for (i64 column = 0; column < end; column += COLS) {
            load(others, keys, column, COLS, S, width, 1);
            __syncthreads();
            for (int i = 0; i < MY_ROWS; ++i) {
                int row = y + SIDE * i;
                A score[MY_COLS], best = top[i];
                for (int j = 0; j < MY_COLS; ++j) {
                    i64 c = column + x + SIDE * j;
                    bool seen = first + row < L && c < S && (!causal || c <= first + row);
                    score[j] = seen ? masked(mask, dot(queries[row], others[x + SIDE * j]), first + row, c) : -INFINITE;
                    if (score[j] > best || score[j] != score[j]) best = score[j];
                }
                best = row_max(best);
                A base = best == -INFINITE ? (A)0 : best, shrink = exp(top[i] - base), part = 0;
                for (int j = 0; j < MY_COLS; ++j) {
                    A p = exp(score[j] - base);
                    part += p;
                    if (p != 0) p *= kept(state, (n * L + first + row) * S + column + x + SIDE * j, keep);
                    weights[row][x + SIDE * j] = p;
                }
                sum[i] = sum[i] * shrink + row_sum(part);
                top[i] = best;
                EACH total[i][e] *= shrink;
            }
            __syncthreads();
            load(others, values, column, COLS, S, width, 1);
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

// Weight p of a row and column, as it goes into the result, and the gradient of its score.
struct Weight {
    A p, slope;
};

__device__ Weight weight(const A* value, const A* g, A score, A sum, A inner, A factor) {
    Weight w;
    w.p = exp(score - sum);
    w.slope = w.p * (factor * dot(g, value) - inner);
    w.p *= factor;
    return w;
}

// Here tiles are TILE times TILE. blockIdx.x: a tile of rows.
extern "C" __global__ void __launch_bounds__(256, 1) attention_query_grad(
    const T* g, const T* q, const T* k, const T* v, const A* sums, const A* inner, T* grad, const u8* sees, const A* bias,
    const u64* state, i64 N, i64 L, i64 S, i64 group, i64 heads, i64 batch_step, i64 head_step, i64 row_step, i64 column_step, int width, int causal, A scale, A keep
) {
    __shared__ Tile queries[TILE], gradients[TILE], keys[TILE], values[TILE];
    __shared__ A slopes[TILE][TILE + 1];
    int x = threadIdx.x, y = threadIdx.y;
    i64 first = (i64)blockIdx.x * TILE;
    for (i64 n = blockIdx.y; n < N; n += gridDim.y) {
        A total[MY_TILE][MY_HEAD];
        for (int i = 0; i < MY_TILE; ++i) EACH total[i][e] = 0;
        Mask mask = mask_of(sees, bias, n, heads, batch_step, head_step, row_step, column_step);
        const T *its_keys = k + n / group * S * width, *its_values = v + n / group * S * width;
        load(queries, q + n * L * width, first, TILE, L, width, scale);
        load(gradients, g + n * L * width, first, TILE, L, width, 1);
        i64 end = causal && first + TILE < S ? first + TILE : S;
        for (i64 column = 0; column < end; column += TILE) {
            load(keys, its_keys, column, TILE, S, width, 1);
            load(values, its_values, column, TILE, S, width, 1);
            __syncthreads();
            for (int i = 0; i < MY_TILE; ++i)
                for (int j = 0; j < MY_TILE; ++j) {
                    int row = y + SIDE * i, c = x + SIDE * j;
                    i64 r = n * L + first + row;
                    A slope = 0;
                    if (first + row < L && column + c < S && (!causal || column + c <= first + row)) {
                        A score = masked(mask, dot(queries[row], keys[c]), first + row, column + c);
                        slope = weight(values[c], gradients[row], score, sums[r], inner[r], kept(state, r * S + column + c, keep)).slope;
                    }
                    slopes[row][c] = slope;
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

// blockIdx.x: a tile of columns; blockIdx.y: which of the N / group. Thread (x, y) has the columns y, y + 16, … of it.
extern "C" __global__ void __launch_bounds__(256, 1) attention_key_value_grad(
    const T* g, const T* q, const T* k, const T* v, const A* sums, const A* inner, T* key_grad, T* value_grad,
    const u8* sees, const A* bias, const u64* state, i64 N, i64 L, i64 S, i64 group,
    i64 heads, i64 batch_step, i64 head_step, i64 row_step, i64 column_step, int width, int causal, A scale, A keep
) {
    __shared__ Tile queries[TILE], gradients[TILE], keys[TILE], values[TILE];
    __shared__ A slopes[TILE][TILE + 1], weights[TILE][TILE + 1];
    int x = threadIdx.x, y = threadIdx.y;
    i64 first = (i64)blockIdx.x * TILE;
    for (i64 shared = blockIdx.y; shared < N / group; shared += gridDim.y) {
        A to_key[MY_TILE][MY_HEAD], to_value[MY_TILE][MY_HEAD];
        for (int i = 0; i < MY_TILE; ++i) EACH to_key[i][e] = 0, to_value[i][e] = 0;
        load(keys, k + shared * S * width, first, TILE, S, width, 1);
        load(values, v + shared * S * width, first, TILE, S, width, 1);
        for (i64 n = shared * group; n < (shared + 1) * group; ++n) {
            Mask mask = mask_of(sees, bias, n, heads, batch_step, head_step, row_step, column_step);
            for (i64 begin = causal ? first : 0; begin < L; begin += TILE) {
                load(queries, q + n * L * width, begin, TILE, L, width, scale);
                load(gradients, g + n * L * width, begin, TILE, L, width, 1);
                __syncthreads();
                for (int i = 0; i < MY_TILE; ++i)
                    for (int j = 0; j < MY_TILE; ++j) {
                        int c = y + SIDE * i, row = x + SIDE * j;
                        i64 r = n * L + begin + row;
                        Weight w = {0, 0};
                        if (begin + row < L && first + c < S && (!causal || first + c <= begin + row)) {
                            A score = masked(mask, dot(queries[row], keys[c]), begin + row, first + c);
                            w = weight(values[c], gradients[row], score, sums[r], inner[r], kept(state, r * S + first + c, keep));
                        }
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
        }
        for (int i = 0; i < MY_TILE; ++i) {
            i64 c = first + y + SIDE * i;
            if (c >= S) continue;
            EACH if (x + SIDE * e < width) {
                key_grad[(shared * S + c) * width + x + SIDE * e] = (T)to_key[i][e];
                value_grad[(shared * S + c) * width + x + SIDE * e] = (T)to_value[i][e];
            }
        }
    }
}
