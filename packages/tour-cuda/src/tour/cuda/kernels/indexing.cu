// Rows and elements by index, and writing to places that an index names. Indices out of range are reported (`inside`) and left out.
// An array is seen as (outer, n, inner), along whose middle dimension an index counts; an index array as (outer, m, inner).

#include "common.cuh"

extern "C" __global__ void embedding(
    const T* table, const i64* index, T* y, i64 count, i64 width, i64 rows, i64* fault
) {
    for (i64 i = FIRST; i < count * width; i += STEP) {
        i64 row = index[over(i, width)];
        y[i] = inside(row, rows, 2, fault) ? table[row * width + rest(i, width)] : (T)0.0f;
    }
}

// Adds to `total`, in the type to compute in; the row `padding` gets nothing. `counts`, if given, are how often a row was looked up.
extern "C" __global__ void embedding_grad(
    const T* g, const i64* index, const A* counts, A* total, i64 count, i64 width, i64 rows, i64 padding
) {
    for (i64 i = FIRST; i < count * width; i += STEP) {
        i64 row = index[over(i, width)];
        if (row < 0 || row >= rows || row == padding) continue;
        A share = (A)g[i];
        if (counts) share /= counts[row];
        atomicAdd(&total[row * width + rest(i, width)], share);
    }
}

extern "C" __global__ void count_rows(const i64* index, A* counts, i64 count, i64 rows) {
    for (i64 i = FIRST; i < count; i += STEP)
        if (index[i] >= 0 && index[i] < rows) atomicAdd(&counts[index[i]], (A)1);
}

extern "C" __global__ void gather(const T* x, const i64* index, T* y, i64 outer, i64 n, i64 inner, i64 m, i64* fault) {
    for (i64 i = FIRST; i < outer * m * inner; i += STEP) {
        i64 place = index[i], first = over(i, m * inner) * n * inner + rest(i, inner);
        y[i] = inside(place, n, 3, fault) ? x[first + place * inner] : (T)0.0f;
    }
}

// Whole slices: one index for all of outer and inner.
extern "C" __global__ void take_slices(const T* x, const i64* index, T* y, i64 outer, i64 n, i64 inner, i64 m, i64* fault) {
    for (i64 i = FIRST; i < outer * m * inner; i += STEP) {
        i64 place = index[rest(over(i, inner), m)], first = over(i, m * inner) * n * inner + rest(i, inner);
        y[i] = inside(place, n, 3, fault) ? x[first + place * inner] : (T)0.0f;
    }
}

// Where several elements go to one place, one of them stays.
extern "C" __global__ void scatter(T* x, const i64* index, const T* source, i64 outer, i64 n, i64 inner, i64 m, i64* fault) {
    for (i64 i = FIRST; i < outer * m * inner; i += STEP) {
        i64 place = index[i], first = over(i, m * inner) * n * inner + rest(i, inner);
        if (inside(place, n, 4, fault)) x[first + place * inner] = source[i];
    }
}

extern "C" __global__ void scatter_add(A* x, const i64* index, const T* source, i64 outer, i64 n, i64 inner, i64 m, i64* fault) {
    for (i64 i = FIRST; i < outer * m * inner; i += STEP) {
        i64 place = index[i], first = over(i, m * inner) * n * inner + rest(i, inner);
        if (inside(place, n, 4, fault)) atomicAdd(&x[first + place * inner], (A)source[i]);
    }
}

extern "C" __global__ void add_slices(
    A* x, const i64* index, const T* source, i64 outer, i64 n, i64 inner, i64 m, A factor, i64* fault
) {
    for (i64 i = FIRST; i < outer * m * inner; i += STEP) {
        i64 place = index[rest(over(i, inner), m)], first = over(i, m * inner) * n * inner + rest(i, inner);
        if (inside(place, n, 4, fault)) atomicAdd(&x[first + place * inner], factor * (A)source[i]);
    }
}

extern "C" __global__ void write_slices(T* x, const i64* index, const T* source, i64 outer, i64 n, i64 inner, i64 m, i64* fault) {
    for (i64 i = FIRST; i < outer * m * inner; i += STEP) {
        i64 place = index[rest(over(i, inner), m)], first = over(i, m * inner) * n * inner + rest(i, inner);
        if (inside(place, n, 4, fault)) x[first + place * inner] = source[i];
    }
}

// Places counted over all elements; negative ones count from the end.
extern "C" __global__ void put(T* x, const i64* places, const T* source, i64 count, i64 size, i64* fault) {
    for (i64 i = FIRST; i < count; i += STEP) {
        i64 place = places[i] < 0 ? places[i] + size : places[i];
        if (inside(place, size, 5, fault)) x[place] = source[i];
    }
}

extern "C" __global__ void put_add(A* x, const i64* places, const T* source, i64 count, i64 size, i64* fault) {
    for (i64 i = FIRST; i < count; i += STEP) {
        i64 place = places[i] < 0 ? places[i] + size : places[i];
        if (inside(place, size, 5, fault)) atomicAdd(&x[place], (A)source[i]);
    }
}
