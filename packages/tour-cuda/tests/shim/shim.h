// CUDA C++ on a CPU: a kernel's source, unchanged, compiled by any C++17 compiler for Linux. Each thread of a block is a fiber; blocks
// run one after the other. Barriers, shuffles within a warp, shared memory and atomic operations behave as on a device, and where they
// are wrong, so that a barrier is missing or some threads never reach it, the numbers are wrong or the launch fails.
//
// The order is chosen to bring mistakes to light: a warp runs until it must wait for others, before the next warp gets a turn; which
// warp goes first depends on `sim::seed`. Shared memory is filled with NaN before each block.
#pragma once
#include <csetjmp>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <ucontext.h>
#include <utility>

#define __global__
#define __device__
#define __forceinline__ inline
#define __restrict__ __restrict
#define __launch_bounds__(...)
#define __shared__ static __attribute__((section("sim_shared")))
#define CUDA_SHIM 1

using std::exp; using std::log; using std::sqrt; using std::cos; using std::sin; using std::fabs; using std::floor; using std::pow;
using std::isnan; using std::fmax; using std::fmin; using std::log1p; using std::tanh;

struct dim3 { unsigned x, y, z; };
static dim3 threadIdx, blockIdx, blockDim, gridDim;

static inline uint32_t __float_as_uint(float x) { uint32_t u; memcpy(&u, &x, 4); return u; }
static inline float __uint_as_float(uint32_t u) { float x; memcpy(&x, &u, 4); return x; }
static inline unsigned __umulhi(unsigned a, unsigned b) { return (unsigned)((uint64_t)a * b >> 32); }
static inline float __int_as_float(int i) { return __uint_as_float((uint32_t)i); }

struct float16 {
    unsigned short bits;
    float16() = default;
    float16(float x) { _Float16 h = (_Float16)x; memcpy(&bits, &h, 2); }
    operator float() const { _Float16 h; memcpy(&h, &bits, 2); return (float)h; }
};

extern "C" char __start_sim_shared[] __attribute__((weak)), __stop_sim_shared[] __attribute__((weak));

namespace sim {

constexpr int MOST = 1024, STACK = 64 << 10, LANES = 32;
enum Waits { RUNS, BLOCK_BARRIER, WARP_BARRIER, ENDED };

struct Fiber { jmp_buf at; ucontext_t first; char* stack; bool started; int waits; dim3 tid; uint64_t slot; };

static Fiber fibers[MOST];
static int current, total;
static unsigned seed = 0;
static jmp_buf scheduler;
static void (*body)(void**);
static void** arguments;

static void enter() { body(arguments); fibers[current].waits = ENDED; _longjmp(scheduler, 1); }

static void wait(int what) {
    Fiber& me = fibers[current];
    me.waits = what;
    if (!_setjmp(me.at)) _longjmp(scheduler, 1);
}

static void resume(int i) {
    Fiber& f = fibers[i];
    current = i;
    threadIdx = f.tid;
    f.waits = RUNS;
    if (_setjmp(scheduler)) return;
    if (f.started) _longjmp(f.at, 1);
    f.started = true;
    setcontext(&f.first);
}

// All threads of [from, to) wait for `what`: let them go. A warp may lack threads that have ended; for a block that is a mistake.
static bool release(int from, int to, int what) {
    bool any = false;
    for (int i = from; i < to; ++i) {
        if (fibers[i].waits != what && (what == BLOCK_BARRIER || fibers[i].waits != ENDED)) return false;
        any |= fibers[i].waits == what;
    }
    for (int i = from; any && i < to; ++i) if (fibers[i].waits == what) fibers[i].waits = RUNS;
    return any;
}

static bool run_warp(int from, int to) {  // as far as it gets; whether it did anything
    bool moved = false;
    for (bool again = true; again;) {
        again = false;
        for (int i = from; i < to; ++i) if (fibers[i].waits == RUNS) { resume(i); moved = true; }
        again = release(from, to, WARP_BARRIER);
    }
    return moved;
}

// 0, or 1 when threads wait for ones that never come.
static int launch(dim3 grid, dim3 block, void (*kernel)(void**), void** args) {
    gridDim = grid, blockDim = block, body = kernel, arguments = args;
    total = block.x * block.y * block.z;
    if (total < 1 || total > MOST) return 2;
    int warps = (total + LANES - 1) / LANES;
    for (unsigned z = 0; z < grid.z; ++z) for (unsigned y = 0; y < grid.y; ++y) for (unsigned x = 0; x < grid.x; ++x) {
        blockIdx = {x, y, z};
        if (__start_sim_shared) memset(__start_sim_shared, 0xff, __stop_sim_shared - __start_sim_shared);
        for (int i = 0; i < total; ++i) {
            Fiber& f = fibers[i];
            if (!f.stack) f.stack = (char*)malloc(STACK);
            getcontext(&f.first);
            f.first.uc_stack.ss_sp = f.stack, f.first.uc_stack.ss_size = STACK, f.first.uc_link = nullptr;
            makecontext(&f.first, enter, 0);
            f.started = false, f.waits = RUNS;
            f.tid = {i % block.x, i / block.x % block.y, i / (block.x * block.y)};
        }
        for (;;) {
            bool moved = false, alive = false;
            for (int k = 0; k < warps; ++k) {
                int w = seed % 2 ? warps - 1 - (k + seed / 2) % warps : (k + seed / 2) % warps;
                moved |= run_warp(w * LANES, w * LANES + LANES < total ? w * LANES + LANES : total);
            }
            for (int i = 0; i < total; ++i) alive |= fibers[i].waits != ENDED;
            if (!alive) break;
            if (!release(0, total, BLOCK_BARRIER) && !moved) return 1;
        }
    }
    return 0;
}

template <class V> static V exchange(V v, int lane) {
    static_assert(sizeof(V) <= 8, "a register has at most eight bytes");
    int first = current / LANES * LANES, source = first + lane % LANES;
    memcpy(&fibers[current].slot, &v, sizeof v);
    wait(WARP_BARRIER);
    memcpy(&v, &fibers[source < total ? source : current].slot, sizeof v);
    wait(WARP_BARRIER);
    return v;
}

template <class... P, size_t... I> static void apply(void (*kernel)(P...), void** args, std::index_sequence<I...>) {
    kernel(*(P*)args[I]...);
}
template <class... P> static void apply(void (*kernel)(P...), void** args) {
    apply(kernel, args, std::index_sequence_for<P...>());
}

}  // namespace sim

static inline void __syncthreads() { sim::wait(sim::BLOCK_BARRIER); }
static inline void __syncwarp(unsigned = 0xffffffffu) { sim::wait(sim::WARP_BARRIER); }
template <class V> static V __shfl_sync(unsigned, V v, int lane) { return sim::exchange(v, lane); }
template <class V> static V __shfl_xor_sync(unsigned, V v, int mask) { return sim::exchange(v, sim::current % 32 ^ mask); }
template <class V> static V atomicAdd(V* p, V v) { V old = *p; *p += v; return old; }
template <class V> static V atomicCAS(V* p, V expected, V v) { V old = *p; if (old == expected) *p = v; return old; }

// What the tests call: run_NAME(grid, block, addresses of the arguments, seed).
#define RUN(NAME) \
    extern "C" int run_##NAME(const unsigned* g, const unsigned* b, void** args, unsigned seed) { \
        sim::seed = seed; \
        return sim::launch({g[0], g[1], g[2]}, {b[0], b[1], b[2]}, [](void** a) { sim::apply(NAME, a); }, args); \
    }
