// What every kernel file begins with.
//
// SCALAR, given by the compiler's -D, is how numbers are stored: float, double, float16 or bfloat16. Kernels call it T, and compute in
// A, which has at least 32 bits. CUDA's own headers are not needed, so NVRTC compiles these files wherever it is.

typedef long long i64;
typedef unsigned char u8;  // a boolean
typedef unsigned int u32;
typedef unsigned long long u64;

#define WARP 32
#define ALL_LANES 0xffffffffu

struct bfloat16 {
    unsigned short bits;
    bfloat16() = default;
    __device__ bfloat16(float x) {  // to nearest, ties to even
        u32 u = __float_as_uint(x);
        bits = x != x ? 0x7fc0 : (unsigned short)((u + 0x7fff + ((u >> 16) & 1)) >> 16);
    }
    __device__ operator float() const { return __uint_as_float((u32)bits << 16); }
};

#ifdef __CUDACC__
struct float16 {
    unsigned short bits;
    float16() = default;
    __device__ float16(float x) { asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(x)); }
    __device__ operator float() const {
        float x;
        asm("cvt.f32.f16 %0, %1;" : "=f"(x) : "h"(bits));
        return x;
    }
};
#endif

template <typename S> struct Computes { typedef float type; };
template <> struct Computes<double> { typedef double type; };

typedef SCALAR T;
typedef Computes<T>::type A;

#define INFINITE ((A)(1.0f / 0.0f))

// The first element of a thread's share, and the step to the next: kernels of elements run with any number of blocks.
#define FIRST ((i64)blockIdx.x * blockDim.x + threadIdx.x)
#define STEP ((i64)gridDim.x * blockDim.x)

// Division of what is not negative. That of 64 bits takes a GPU several times as long as that of 32, which nearly always does.
__device__ i64 over(i64 a, i64 b) { return (a | b) >> 32 ? a / b : (i64)((u32)a / (u32)b); }
__device__ i64 rest(i64 a, i64 b) { return (a | b) >> 32 ? a % b : (i64)((u32)a % (u32)b); }

// Sums and the like over a block of one dimension, a multiple of 32 threads. Every thread of the block calls, and gets the result.

__device__ A warp_sum(A v) {
    for (int o = WARP / 2; o; o >>= 1) v += __shfl_xor_sync(ALL_LANES, v, o);
    return v;
}

__device__ A block_sum(A v) {
    __shared__ A parts[WARP];
    int lane = threadIdx.x % WARP, warp = threadIdx.x / WARP;
    v = warp_sum(v);
    __syncthreads();  // the call before may still be reading
    if (lane == 0) parts[warp] = v;
    __syncthreads();
    return warp_sum(lane < blockDim.x / WARP ? parts[lane] : (A)0);
}

// An index that lies outside is reported, and the element left out: the host raises at its next synchronisation. Of several the first
// that arrives is kept: fault[0] who, fault[1] the index, fault[2] how many there are.
__device__ bool inside(i64 index, i64 size, int who, i64* fault) {
    if (0 <= index && index < size) return true;
    if (atomicCAS((u64*)fault, 0ull, (u64)who) == 0) {
        fault[1] = index;
        fault[2] = size;
    }
    return false;
}
