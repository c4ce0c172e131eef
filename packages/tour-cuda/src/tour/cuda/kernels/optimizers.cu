// Steps of optimizers over many parameters in one launch, their gradients' norm, and clipping.
//
// The state of all parameters lies one after another; parameters and gradients lie anywhere: a table of their addresses comes with the
// launch itself, so that nothing has to be copied to the device and a captured graph keeps it. `numbers`, if it is not null, are
// what changes from step to step, in device memory: the learning rate, and what follows from the count of steps.

#include "common.cuh"

#define MOST 96  // parameters of a launch

struct Table {
    u64 params[MOST], grads[MOST];
    i64 edges[MOST + 1];  // where each begins in the state; beyond the last one, the end
};

// Which parameter element i belongs to.
__device__ int owner(const Table& table, i64 i) {
    int low = 0, high = MOST;
    while (high - low > 1) {
        int middle = (low + high) / 2;
        if (table.edges[middle] <= i) low = middle;
        else high = middle;
    }
    return low;
}

extern "C" __global__ void set_numbers(double* numbers, double a, double b, double c, double d) {
    numbers[0] = a, numbers[1] = b, numbers[2] = c, numbers[3] = d;
}

// part1 and part2 are 1 - beta1 and 1 - beta2, which single precision would not tell well enough from 1.
extern "C" __global__ void adam(
    Table table, i64 n, T* first, T* second, T* largest, const double* numbers, A sign, A penalty, A decay, A lr, A part1, A beta2,
    A part2, A step_size, A bias2_sqrt, A eps
) {
    A rate = numbers ? (A)numbers[0] : lr, size = numbers ? (A)numbers[1] : step_size, root2 = numbers ? (A)numbers[2] : bias2_sqrt;
    for (i64 i = FIRST; i < n; i += STEP) {
        int k = owner(table, i);
        T* place = (T*)table.params[k] + (i - table.edges[k]);
        A p = (A)*place, g = sign * (A)((const T*)table.grads[k])[i - table.edges[k]];
        p *= 1 - rate * decay;
        g += penalty * p;
        A m = (A)first[i], v = (A)second[i];
        m += part1 * (g - m);
        v = beta2 * v + part2 * g * g;
        first[i] = (T)m, second[i] = (T)v;
        if (largest) {
            A before = (A)largest[i];
            v = before > v || before != before ? before : v;
            largest[i] = (T)v;
        }
        *place = (T)(p - size * m / (sqrt(v) / root2 + eps));
    }
}

// momentum may be null.
extern "C" __global__ void sgd(
    Table table, i64 n, T* momentum, const double* numbers, A sign, A penalty, A lr, A mu, A damp, int fresh, int nesterov
) {
    A rate = numbers ? (A)numbers[0] : lr;
    for (i64 i = FIRST; i < n; i += STEP) {
        int k = owner(table, i);
        T* place = (T*)table.params[k] + (i - table.edges[k]);
        A p = (A)*place, g = sign * (A)((const T*)table.grads[k])[i - table.edges[k]];
        g += penalty * p;
        if (momentum) {
            A b = fresh ? g : mu * (A)momentum[i] + (1 - damp) * g;
            momentum[i] = (T)b;
            g = nesterov ? g + mu * b : b;
        }
        *place = (T)(p - rate * g);
    }
}

// mean and momentum may be null; part is 1 - alpha.
extern "C" __global__ void rmsprop(
    Table table, i64 n, T* square, T* mean, T* momentum, const double* numbers, A sign, A penalty, A lr, A alpha, A part, A eps, A mu
) {
    A rate = numbers ? (A)numbers[0] : lr;
    for (i64 i = FIRST; i < n; i += STEP) {
        int k = owner(table, i);
        T* place = (T*)table.params[k] + (i - table.edges[k]);
        A p = (A)*place, g = sign * (A)((const T*)table.grads[k])[i - table.edges[k]];
        g += penalty * p;
        A v = alpha * (A)square[i] + part * g * g;
        square[i] = (T)v;
        if (mean) {
            A middle = (A)mean[i];
            middle += part * (g - middle);
            mean[i] = (T)middle;
            v -= middle * middle;
        }
        A step = g / (sqrt(v) + eps);
        if (momentum) {
            step += mu * (A)momentum[i];
            momentum[i] = (T)step;
        }
        *place = (T)(p - rate * step);
    }
}

// The sum of squares of all gradients, a part for each block.
extern "C" __global__ void squares(Table table, i64 n, A* parts) {
    A sum = 0;
    for (i64 i = FIRST; i < n; i += STEP) {
        int k = owner(table, i);
        A g = (A)((const T*)table.grads[k])[i - table.edges[k]];
        sum += g * g;
    }
    sum = block_sum(sum);
    if (threadIdx.x == 0) parts[blockIdx.x] = sum;
}

// One block: the root of the sum of the parts.
extern "C" __global__ void norm_of(const A* parts, T* norm, i64 count) {
    A sum = 0;
    for (i64 i = threadIdx.x; i < count; i += blockDim.x) sum += parts[i];
    sum = block_sum(sum);
    if (threadIdx.x == 0) *norm = (T)sqrt(sum);
}

extern "C" __global__ void clip(Table table, i64 n, const T* norm, A most) {
    A factor = most / ((A)*norm + (A)1e-6f);
    if (factor >= 1) return;  // a norm that is no number goes on: all gradients become NaN, as in PyTorch
    for (i64 i = FIRST; i < n; i += STEP) {
        int k = owner(table, i);
        T* place = (T*)table.grads[k] + (i - table.edges[k]);
        *place = (T)((A)*place * factor);
    }
}
