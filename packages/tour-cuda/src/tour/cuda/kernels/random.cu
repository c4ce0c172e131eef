// Random numbers from a counter: Philox4x32-10 (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", 2011).
//
// state[0] is the seed, state[1] how many blocks of four words have been used. Both lie in device memory, and `advance` moves on after
// each draw, so that each replay of a captured graph draws anew. Which word an element takes depends on its place alone, not on the
// grid: `tour.cuda._philox` gives the same numbers in NumPy.

#include "common.cuh"

#define PER_BLOCK (sizeof(A) == 8 ? 2 : 4)  // numbers from a block of four words

__device__ void philox(u64 seed, u64 counter, u32* word) {
    u32 c0 = (u32)counter, c1 = (u32)(counter >> 32), c2 = 0, c3 = 0, k0 = (u32)seed, k1 = (u32)(seed >> 32);
    for (int round = 0; round < 10; ++round) {
        u32 high0 = __umulhi(0xD2511F53u, c0), low0 = 0xD2511F53u * c0, high1 = __umulhi(0xCD9E8D57u, c2), low1 = 0xCD9E8D57u * c2;
        c0 = high1 ^ c1 ^ k0, c1 = low1, c2 = high0 ^ c3 ^ k1, c3 = low0;
        k0 += 0x9E3779B9u, k1 += 0xBB67AE85u;
    }
    word[0] = c0, word[1] = c1, word[2] = c2, word[3] = c3;
}

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

extern "C" __global__ void advance(u64* state, i64 blocks) { state[1] += blocks; }
