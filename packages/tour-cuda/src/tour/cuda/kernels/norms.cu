// Layer, root-mean-square, group and batch normalisation, and their gradients.
//
// Layer, root-mean-square and group normalisation see rows of n numbers, each of which has its own mean and 1 / deviation. The weight
// of place j in a row is that of channel ((row % period) * n + j) / size: for layers each place has its own (period 1, size 1), for
// groups all numbers of a channel share one (period = groups, size = numbers of a channel).

#include "common.cuh"

// Count, mean and sum of squared deviations, joined without cancellation (Welford, 1962; Chan et al., 1983).
struct Moments {
    A count, mean, squares;
};

__device__ Moments no_moments() {
    Moments m = {0, 0, 0};
    return m;
}

__device__ void add(Moments& m, A x) {
    m.count += 1;
    A away = x - m.mean;
    m.mean += away / m.count;
    m.squares += away * (x - m.mean);
}

__device__ Moments joined(Moments a, Moments b) {
    Moments m;
    m.count = a.count + b.count;
    A away = b.mean - a.mean, part = m.count == 0 ? (A)0 : b.count / m.count;
    m.mean = a.mean + away * part;
    m.squares = a.squares + b.squares + away * away * a.count * part;
    return m;
}

__device__ Moments warp_moments(Moments m) {
    for (int o = WARP / 2; o; o >>= 1) {
        Moments other = {
            __shfl_xor_sync(ALL_LANES, m.count, o), __shfl_xor_sync(ALL_LANES, m.mean, o), __shfl_xor_sync(ALL_LANES, m.squares, o)
        };
        m = joined(m, other);
    }
    return m;
}

__device__ Moments block_moments(Moments m) {
    __shared__ A counts[WARP], means[WARP], squares[WARP];
    int lane = threadIdx.x % WARP, warp = threadIdx.x / WARP;
    m = warp_moments(m);
    __syncthreads();  // the call before may still be reading
    if (lane == 0) counts[warp] = m.count, means[warp] = m.mean, squares[warp] = m.squares;
    __syncthreads();
    Moments mine = no_moments();
    if (lane < blockDim.x / WARP) mine.count = counts[lane], mine.mean = means[lane], mine.squares = squares[lane];
    return warp_moments(mine);
}

// mean may be null: then nothing is subtracted, and the deviation is the root of the mean square.
extern "C" __global__ void normalize_rows(
    const T* x, const T* weight, const T* bias, T* y, A* mean, A* rstd, i64 rows, i64 n, i64 period, i64 size, A eps
) {
    for (i64 row = blockIdx.x; row < rows; row += gridDim.x) {
        const T* mine = x + row * n;
        i64 first = row % period * n;  // of the weights
        A middle = 0, var;
        if (mean) {
            Moments m = no_moments();
            for (i64 j = threadIdx.x; j < n; j += blockDim.x) add(m, (A)mine[j]);
            m = block_moments(m);
            middle = m.mean, var = m.squares / n;
        } else {
            A sum = 0;
            for (i64 j = threadIdx.x; j < n; j += blockDim.x) sum += (A)mine[j] * (A)mine[j];
            var = block_sum(sum) / n;
        }
        A scale = 1 / sqrt(var + eps);
        for (i64 j = threadIdx.x; j < n; j += blockDim.x) {
            i64 channel = size == 1 ? first + j : over(first + j, size);
            A z = ((A)mine[j] - middle) * scale;
            if (weight) z *= (A)weight[channel];
            if (bias) z += (A)bias[channel];
            y[row * n + j] = (T)z;
        }
        if (threadIdx.x == 0) {
            if (mean) mean[row] = middle;
            rstd[row] = scale;
        }
    }
}

// grad = rstd (h - mean(h) - z mean(h z)), h = g weight, z the normalised input; without mean(h) where there is no mean.
extern "C" __global__ void normalize_rows_grad(
    const T* g, const T* x, const A* mean, const A* rstd, const T* weight, T* grad, i64 rows, i64 n, i64 period, i64 size
) {
    for (i64 row = blockIdx.x; row < rows; row += gridDim.x) {
        A middle = mean ? mean[row] : (A)0, scale = rstd[row], along = 0, total = 0;
        i64 first = row % period * n;  // of the weights
        for (i64 j = threadIdx.x; j < n; j += blockDim.x) {
            A h = (A)g[row * n + j];
            if (weight) h *= (A)weight[size == 1 ? first + j : over(first + j, size)];
            along += h * ((A)x[row * n + j] - middle) * scale;
            total += h;
        }
        along = block_sum(along) / n;
        total = mean ? block_sum(total) / n : (A)0;
        for (i64 j = threadIdx.x; j < n; j += blockDim.x) {
            A h = (A)g[row * n + j];
            if (weight) h *= (A)weight[size == 1 ? first + j : over(first + j, size)];
            grad[row * n + j] = (T)(scale * (h - total - ((A)x[row * n + j] - middle) * scale * along));
        }
    }
}

// Gradients of weight and bias: for each channel the sums of g z and of g over (samples, size). Which mean and deviation a number was
// normalised by is row_step * sample + channel / share * channel_step. Blocks are 32 channels wide and 8 samples high; parts of the
// samples are summed apart, each by a row of blocks, in [part, channel].
extern "C" __global__ void channel_sums_flat(
    const T* g, const T* x, const A* mean, const A* rstd, A* weight_parts, A* bias_parts, i64 samples, i64 channels, i64 row_step,
    i64 share, i64 channel_step
) {
    __shared__ A weights[8][WARP], biases[8][WARP];
    i64 channel = (i64)blockIdx.x * WARP + threadIdx.x;
    A along = 0, total = 0;
    if (channel < channels)
        for (i64 sample = (i64)blockIdx.y * 8 + threadIdx.y; sample < samples; sample += (i64)gridDim.y * 8) {
            i64 which = row_step * sample + channel / share * channel_step, i = sample * channels + channel;
            along += (A)g[i] * ((A)x[i] - (mean ? mean[which] : (A)0)) * rstd[which];
            total += (A)g[i];
        }
    weights[threadIdx.y][threadIdx.x] = along;
    biases[threadIdx.y][threadIdx.x] = total;
    __syncthreads();
    if (threadIdx.y == 0 && channel < channels) {
        for (int k = 1; k < 8; ++k) along += weights[k][threadIdx.x], total += biases[k][threadIdx.x];
        weight_parts[(i64)blockIdx.y * channels + channel] = along;
        bias_parts[(i64)blockIdx.y * channels + channel] = total;
    }
}

// The same where the numbers of a channel lie together, size > 1: a column of blocks for each channel.
extern "C" __global__ void channel_sums_wide(
    const T* g, const T* x, const A* mean, const A* rstd, A* weight_parts, A* bias_parts, i64 samples, i64 channels, i64 size,
    i64 row_step, i64 share, i64 channel_step
) {
    i64 channel = blockIdx.x;
    A along = 0, total = 0;
    for (i64 sample = blockIdx.y; sample < samples; sample += gridDim.y) {
        i64 which = row_step * sample + channel / share * channel_step, first = (sample * channels + channel) * size;
        A middle = mean ? mean[which] : (A)0, scale = rstd[which];
        for (i64 j = threadIdx.x; j < size; j += blockDim.x) {
            along += (A)g[first + j] * ((A)x[first + j] - middle) * scale;
            total += (A)g[first + j];
        }
    }
    along = block_sum(along);
    total = block_sum(total);
    if (threadIdx.x == 0) {
        weight_parts[(i64)blockIdx.y * channels + channel] = along;
        bias_parts[(i64)blockIdx.y * channels + channel] = total;
    }
}

// Sums of the parts.
extern "C" __global__ void add_parts(
    const A* weight_parts, const A* bias_parts, T* weight_grad, T* bias_grad, i64 parts, i64 channels
) {
    for (i64 c = FIRST; c < channels; c += STEP) {
        A along = 0, total = 0;
        for (i64 k = 0; k < parts; ++k) along += weight_parts[k * channels + c], total += bias_parts[k * channels + c];
        weight_grad[c] = (T)along;
        bias_grad[c] = (T)total;
    }
}

// Mean and biased variance of each channel of (samples, channels, size), first in parts of the samples: [part, channel].
extern "C" __global__ void channel_moments(
    const T* x, A* counts, A* means, A* squares, i64 samples, i64 channels, i64 size
) {
    i64 channel = blockIdx.x;
    Moments m = no_moments();
    for (i64 sample = blockIdx.y; sample < samples; sample += gridDim.y)
        for (i64 j = threadIdx.x; j < size; j += blockDim.x) add(m, (A)x[(sample * channels + channel) * size + j]);
    m = block_moments(m);
    if (threadIdx.x == 0) {
        i64 i = (i64)blockIdx.y * channels + channel;
        counts[i] = m.count, means[i] = m.mean, squares[i] = m.squares;
    }
}

extern "C" __global__ void join_moments(
    const A* counts, const A* means, const A* squares, A* mean, A* var, A* rstd, i64 parts, i64 channels, A eps
) {
    for (i64 c = FIRST; c < channels; c += STEP) {
        Moments m = no_moments();
        for (i64 k = 0; k < parts; ++k) {
            Moments part = {counts[k * channels + c], means[k * channels + c], squares[k * channels + c]};
            m = joined(m, part);
        }
        mean[c] = m.mean, var[c] = m.squares / m.count, rstd[c] = 1 / sqrt(var[c] + eps);
    }
}

// (x - mean) rstd weight + bias, each channel by its own; elements in the order of (samples, channels, size).
extern "C" __global__ void normalize_channels(
    const T* x, const A* mean, const A* rstd, const T* weight, const T* bias, T* y, i64 total, i64 channels, i64 size
) {
    for (i64 i = FIRST; i < total; i += STEP) {
        i64 c = rest(over(i, size), channels);
        A z = ((A)x[i] - mean[c]) * rstd[c];
        if (weight) z *= (A)weight[c];
        if (bias) z += (A)bias[c];
        y[i] = (T)z;
    }
}

// weight rstd (g - mean(g) - z mean(g z)), the means from the sums over `count` numbers; without them where the statistics were given.
extern "C" __global__ void normalize_channels_grad(
    const T* g, const T* x, const A* mean, const A* rstd, const T* weight, const T* weight_grad, const T* bias_grad, T* grad,
    i64 total, i64 channels, i64 size, A count
) {
    for (i64 i = FIRST; i < total; i += STEP) {
        i64 c = rest(over(i, size), channels);
        A from = (A)g[i];
        if (weight_grad) from -= ((A)bias_grad[c] + ((A)x[i] - mean[c]) * rstd[c] * (A)weight_grad[c]) / count;
        grad[i] = (T)(from * rstd[c] * (weight ? (A)weight[c] : (A)1));
    }
}
