// Random numbers from a counter.
//
// state[0] is the seed, state[1] how many blocks of four words have been used. Both lie in device memory, and `advance` moves on after
// each draw, so that each replay of a captured graph draws anew. Which word an element takes depends on its place alone, not on the
// grid: `tour.cuda._philox` gives the same numbers in NumPy.

#include "common.cuh"
#include "philox.cuh"

#define PER_BLOCK (sizeof(A) == 8 ? 2 : 4)  // numbers from a block of four words

// Numbers of [0, 1): the high 24 bits of a word, or 53 of two.
__device__ void units(const u32* word, A* u) {
    for (int k = 0; k < PER_BLOCK; ++k)
        u[k] = sizeof(A) == 8 ? (A)((((u64)word[2 * k] << 32 | word[2 * k + 1]) >> 11) * 1.1102230246251565e-16)
                              : (A)((word[k] >> 8) * 5.9604644775390625e-08f);
}

extern "C" __global__ void words(const u64* state, u32* y, i64 n) {
    for (i64 block = FIRST; block * 4 < n; block += STEP) {
        u32 word[4];
        philox(state[0], state[1] + block, word);
        for (int k = 0; k < 4 && block * 4 + k < n; ++k) y[block * 4 + k] = word[k];
    }
}

extern "C" __global__ void uniform(const u64* state, T* y, i64 n, A low, A high) {
    for (i64 block = FIRST; block * PER_BLOCK < n; block += STEP) {
        u32 word[4];
        A u[4];
        philox(state[0], state[1] + block, word);
        units(word, u);
        for (int k = 0; k < PER_BLOCK && block * PER_BLOCK + k < n; ++k) {
            T number = (T)(low + (high - low) * u[k]);
            y[block * PER_BLOCK + k] = (A)number < high ? number : (T)low;  // rounding may reach the end, which is not of the range
        }
    }
}

// Box and Muller: two uniform numbers give two normal ones.
extern "C" __global__ void normal(const u64* state, T* y, i64 n, A mean, A deviation) {
    for (i64 block = FIRST; block * PER_BLOCK < n; block += STEP) {
        u32 word[4];
        A u[4], z[4];
        philox(state[0], state[1] + block, word);
        units(word, u);
        for (int k = 0; k < PER_BLOCK; k += 2) {
            A radius = sqrt(-2 * log(1 - u[k])), angle = (A)6.283185307179586 * u[k + 1];
            z[k] = radius * cos(angle), z[k + 1] = radius * sin(angle);
        }
        for (int k = 0; k < PER_BLOCK && block * PER_BLOCK + k < n; ++k) y[block * PER_BLOCK + k] = (T)(mean + deviation * z[k]);
    }
}

// `value` with probability p, else 0: 1 for a draw of Bernoulli's, 1 / p for the mask of a dropout.
extern "C" __global__ void bernoulli(const u64* state, T* y, i64 n, A p, A value) {
    for (i64 block = FIRST; block * PER_BLOCK < n; block += STEP) {
        u32 word[4];
        A u[4];
        philox(state[0], state[1] + block, word);
        units(word, u);
        for (int k = 0; k < PER_BLOCK && block * PER_BLOCK + k < n; ++k) y[block * PER_BLOCK + k] = (T)(u[k] < p ? value : (A)0);
    }
}

extern "C" __global__ void set_state(u64* state, u64 seed, u64 offset) { state[0] = seed, state[1] = offset; }

// What a draw by another kernel begins from, and the state behind it.
extern "C" __global__ void take(u64* state, u64* taken, i64 blocks) {
    taken[0] = state[0], taken[1] = state[1];
    state[1] += blocks;
}

extern "C" __global__ void advance(u64* state, i64 blocks) { state[1] += blocks; }
