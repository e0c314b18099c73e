// The three matrix products of a recurrent layer, in the packed layout, around one register tile.
//
//   forward        y[r][lane]  = sum_k  W[k][r]   x[k][lane]      broadcast weights (packed), vectors of lanes
//   data gradient  dx[k][lane] = sum_r  W[k][r]  dz[r][lane]      broadcast weights (as they lie), vectors of lanes
//   weight grad.   dW[k][r]   += sum_n  x[k][n]  dz[r][n]         broadcast x, vectors of r (dz transposed by panel)
//
// with W (K, M) row-major, so that r runs over memory, and n over all time steps and lanes of a chunk. A tile is
// ROWS x COLS vector accumulators: its loads are ROWS broadcasts and COLS vectors for ROWS x COLS multiply-adds.
#pragma once

#include "memory.h"
#include "parallel.h"
#include "simd.h"

namespace gatecast::GATECAST_ISA {

// Rows of the tile that starts at row `r` of `count`: full tiles, and the last one or two about equal, because a
// tile of one or two rows has too few accumulators to hide the latency of a multiply-add.
GATECAST_INLINE int tile_rows(int64_t count, int64_t r) {
  const int64_t left = count - r;
  if (left <= ROWS) return static_cast<int>(left);
  if (left >= 2 * ROWS || left >= ROWS + 4) return ROWS;
  return static_cast<int>((left + 1) / 2);
}

// Calls f.template operator()<R>() for the run-time row count 1 <= rows <= ROWS.
template <int R = ROWS, typename F>
GATECAST_INLINE void with_rows(int rows, F&& f) {
  if constexpr (R == 1) {
    f.template operator()<1>();
  } else {
    if (rows == R)
      f.template operator()<R>();
    else
      with_rows<R - 1>(rows, f);
  }
}

// ---- forward ------------------------------------------------------------------------------------------------------

// Packs W (K, M): tile after tile, in each tile [K][rows of the tile]. A tile that starts at row r lies at r * K.
GATECAST_INLINE void pack_tiles(const float* W, int64_t K, int64_t M, float* packed) {
  for (int64_t r = 0; r < M;) {
    const int rows = tile_rows(M, r);
    with_rows(rows, [&]<int R>() {
      float* out = packed + r * K;
      const float* in = W + r;
      for (int64_t k = 0; k < K; ++k, in += M, out += R)
        for (int i = 0; i < R; ++i) out[i] = in[i];
    });
    r += rows;
  }
}

// acc[r][v] += sum_k packed[k][r] * x[k][v]
template <int R>
GATECAST_INLINE void tile_forward(vf (&acc)[R][COLS], const float* packed, const float* x, int64_t K) {
#pragma GCC unroll 2
  for (int64_t k = 0; k < K; ++k, packed += R, x += LANES) {
    vf column[COLS];
#pragma GCC unroll 8
    for (int v = 0; v < COLS; ++v) column[v] = load(x + v * VL);
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
      const vf weight = set1(packed[r]);
#pragma GCC unroll 8
      for (int v = 0; v < COLS; ++v) acc[r][v] += weight * column[v];
    }
  }
}

// One summand W x of a forward product: packed weights, K inputs.
struct Term {
  const float* packed;
  const float* x;
  int64_t K;
};

// y (M, lane) = b + sum over terms W x.
template <int TERMS>
GATECAST_INLINE void product_forward(const Term (&terms)[TERMS], const float* b, int64_t M, float* y) {
  for (int64_t r0 = 0; r0 < M;) {
    const int rows = tile_rows(M, r0);
    with_rows(rows, [&]<int R>() {
      for (int lane = 0; lane < LANES; lane += COLS * VL) {
        vf acc[R][COLS];
#pragma GCC unroll 16
        for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
          for (int v = 0; v < COLS; ++v) acc[r][v] = set1(b[r0 + r]);
#pragma GCC unroll 1
        for (int s = 0; s < TERMS; ++s)
          tile_forward<R>(acc, terms[s].packed + r0 * terms[s].K, terms[s].x + lane, terms[s].K);
#pragma GCC unroll 16
        for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
          for (int v = 0; v < COLS; ++v) store(y + (r0 + r) * LANES + lane + v * VL, acc[r][v]);
      }
    });
    r0 += rows;
  }
}

// y (M, lane) += W x for the first M rows of W's tiles (tiles that end at row M: see pack_tiles).
GATECAST_INLINE void product_add(const Term& term, int64_t M, float* y) {
  for (int64_t r0 = 0; r0 < M;) {
    const int rows = tile_rows(M, r0);
    with_rows(rows, [&]<int R>() {
      for (int lane = 0; lane < LANES; lane += COLS * VL) {
        vf acc[R][COLS] = {};
        tile_forward<R>(acc, term.packed + r0 * term.K, term.x + lane, term.K);
        for (int r = 0; r < R; ++r)
          for (int v = 0; v < COLS; ++v) {
            float* out = y + (r0 + r) * LANES + lane + v * VL;
            store(out, load(out) + acc[r][v]);
          }
      }
    });
    r0 += rows;
  }
}

// ---- data gradient ------------------------------------------------------------------------------------------------

// acc[i][v] += sum_r W[i * stride + r] * dz[r][v]; rows are reached from every third one, which keeps the addresses
// in x86's base + scaled-index form.
template <int R>
GATECAST_INLINE void tile_backward(vf (&acc)[R][COLS], const float* W, int64_t stride, const float* dz, int64_t M) {
  const float* base[(R + 2) / 3];
#pragma GCC unroll 8
  for (int i = 0; i < (R + 2) / 3; ++i) base[i] = W + 3 * i * stride;
#pragma GCC unroll 2
  for (int64_t r = 0; r < M; ++r, dz += LANES) {
    vf column[COLS];
#pragma GCC unroll 8
    for (int v = 0; v < COLS; ++v) column[v] = load(dz + v * VL);
#pragma GCC unroll 16
    for (int i = 0; i < R; ++i) {
      const vf weight = set1(base[i / 3][(i % 3) * stride + r]);
#pragma GCC unroll 8
      for (int v = 0; v < COLS; ++v) acc[i][v] += weight * column[v];
    }
  }
}

// dx (K, lane) = W[:, :M] dz, or += with ADD. W (K, stride) row-major as it lies.
template <bool ADD>
GATECAST_INLINE void product_backward(const float* W, int64_t stride, int64_t K, const float* dz, int64_t M,
                                      float* dx) {
  for (int64_t k0 = 0; k0 < K;) {
    const int rows = tile_rows(K, k0);
    with_rows(rows, [&]<int R>() {
      for (int lane = 0; lane < LANES; lane += COLS * VL) {
        vf acc[R][COLS] = {};
        tile_backward<R>(acc, W + k0 * stride, stride, dz + lane, M);
#pragma GCC unroll 16
        for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
          for (int v = 0; v < COLS; ++v) {
            float* out = dx + (k0 + r) * LANES + lane + v * VL;
            store(out, ADD ? load(out) + acc[r][v] : acc[r][v]);
          }
      }
    });
    k0 += rows;
  }
}

// ---- weight gradient ----------------------------------------------------------------------------------------------

inline constexpr int PANEL = VL * GRAD_COLS;  // columns of dW that a tile covers
inline constexpr int CHUNK = 16;              // rows of lanes (time steps, blocks) that one pass reduces

// Four lanes picked from two vectors, 0..3 from the first. GCC knows the second form only from version 12 on.
#if defined(__clang__) || __GNUC__ >= 12
#define GATECAST_SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
typedef int32_t i4 __attribute__((vector_size(16)));
#define GATECAST_SHUFFLE(a, b, ...) __builtin_shuffle(a, b, i4{__VA_ARGS__})
#endif

// dz transposed: panel[n][PANEL] from rows r0 .. r0+count of `items` slabs (M, lane); missing rows become 0.
GATECAST_INLINE void transpose_panel(const float* const* dz, int items, int64_t r0, int count, float* panel) {
  typedef float v4 __attribute__((vector_size(16)));
  typedef float v4_any __attribute__((vector_size(16), aligned(4), may_alias));
  const auto at = [](const float* p) -> v4 { return *reinterpret_cast<const v4_any*>(p); };
  for (int item = 0; item < items; ++item, panel += LANES * PANEL) {
    const float* slab = dz[item] + r0 * LANES;
    for (int r = 0; r < PANEL; r += 4) {
      if (r >= count) {  // 4H is a multiple of four; other row counts take the slow way below
        for (int lane = 0; lane < LANES; ++lane)
          for (int i = 0; i < 4; ++i) panel[lane * PANEL + r + i] = 0;
        continue;
      }
      if (r + 4 > count) {
        for (int lane = 0; lane < LANES; ++lane)
          for (int i = 0; i < 4; ++i) panel[lane * PANEL + r + i] = r + i < count ? slab[(r + i) * LANES + lane] : 0;
        continue;
      }
      for (int lane = 0; lane < LANES; lane += 4) {
        const float* p = slab + r * LANES + lane;
        const v4 a = at(p), b = at(p + LANES), c = at(p + 2 * LANES), d = at(p + 3 * LANES);
        const v4 ab0 = GATECAST_SHUFFLE(a, b, 0, 4, 1, 5), ab1 = GATECAST_SHUFFLE(a, b, 2, 6, 3, 7);
        const v4 cd0 = GATECAST_SHUFFLE(c, d, 0, 4, 1, 5), cd1 = GATECAST_SHUFFLE(c, d, 2, 6, 3, 7);
        float* q = panel + lane * PANEL + r;
        *reinterpret_cast<v4_any*>(q) = GATECAST_SHUFFLE(ab0, cd0, 0, 1, 4, 5);
        *reinterpret_cast<v4_any*>(q + PANEL) = GATECAST_SHUFFLE(ab0, cd0, 2, 3, 6, 7);
        *reinterpret_cast<v4_any*>(q + 2 * PANEL) = GATECAST_SHUFFLE(ab1, cd1, 0, 1, 4, 5);
        *reinterpret_cast<v4_any*>(q + 3 * PANEL) = GATECAST_SHUFFLE(ab1, cd1, 2, 3, 6, 7);
      }
    }
  }
}

// dW[k][0..PANEL) += sum_n x[k][n] panel[n][..] for R rows k that start at k0 of every slab x[item] (K, lane).
template <int R>
GATECAST_INLINE void tile_gradient(const float* const* x, int items, int64_t k0, const float* panel, float* dW,
                                   int64_t stride) {
  vf acc[R][GRAD_COLS] = {};
  for (int item = 0; item < items; ++item) {
    const float* rows = x[item] + k0 * LANES;
#pragma GCC unroll 2
    for (int lane = 0; lane < LANES; ++lane, panel += PANEL) {
      vf column[GRAD_COLS];
#pragma GCC unroll 8
      for (int v = 0; v < GRAD_COLS; ++v) column[v] = load(panel + v * VL);
#pragma GCC unroll 16
      for (int r = 0; r < R; ++r) {
        const vf value = set1(rows[r * LANES + lane]);
#pragma GCC unroll 8
        for (int v = 0; v < GRAD_COLS; ++v) acc[r][v] += value * column[v];
      }
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
    for (int v = 0; v < GRAD_COLS; ++v) {
      float* out = dW + r * stride + v * VL;
      store(out, load(out) + acc[r][v]);
    }
}

// One summand of a weight gradient: dW (K, stride) += x dz^T over the items for which x is given (null: x is zero).
struct GradTerm {
  const float* const* x;  // `items` pointers to (K, lane), or null pointers at the front
  int64_t K;
  float* dW;
};

// db[0..PANEL) += sum_n panel[n][..], in four chains so that the additions overlap.
GATECAST_INLINE void sum_panel(const float* panel, int64_t n, float* db) {
  vf acc[4][GRAD_COLS] = {};
  for (int64_t i = 0; i < n; i += 4)
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j)
#pragma GCC unroll 8
      for (int v = 0; v < GRAD_COLS; ++v) acc[j][v] += load(panel + (i + j) * PANEL + v * VL);
#pragma GCC unroll 8
  for (int v = 0; v < GRAD_COLS; ++v)
    store(db + v * VL, load(db + v * VL) + ((acc[0][v] + acc[1][v]) + (acc[2][v] + acc[3][v])));
}

inline int64_t panel_stride(int64_t M) {
  return (M + PANEL - 1) / PANEL * PANEL;
}

// Adds the weight gradients of up to CHUNK items: every term's dW, and db. Rows of dW and db have panel_stride(M)
// floats. dz[item] is (M, lane).
template <int TERMS>
GATECAST_INLINE void product_gradient(const GradTerm (&terms)[TERMS], const float* const* dz, int items, int64_t M,
                                      float* db) {
  alignas(64) float panel[CHUNK * LANES * PANEL];
  const int64_t stride = panel_stride(M);
  for (int64_t r0 = 0; r0 < M; r0 += PANEL) {
    const int count = static_cast<int>(M - r0 < PANEL ? M - r0 : PANEL);
    transpose_panel(dz, items, r0, count, panel);
    sum_panel(panel, int64_t{items} * LANES, db + r0);
    for (int s = 0; s < TERMS; ++s) {
      const GradTerm& term = terms[s];
      int first = 0;
      while (first < items && term.x[first] == nullptr) ++first;
      if (first == items) continue;
      for (int64_t k0 = 0; k0 < term.K;) {
        const int rows = tile_rows(term.K, k0);
        with_rows(rows, [&]<int R>() {
          tile_gradient<R>(term.x + first, items - first, k0, panel + first * LANES * PANEL, term.dW + k0 * stride + r0,
                           stride);
        });
        k0 += rows;
      }
    }
  }
}

// out (rows, columns) = the first columns of the sum over groups of partial[group] (rows, panel_stride(M)), in group
// order; the rows start at row0 of total_rows.
GATECAST_INLINE void sum_groups(const float* partial, int64_t groups, int64_t rows, int64_t row0, int64_t total_rows,
                                int64_t M, int64_t columns, float* out) {
  const int64_t stride = panel_stride(M), size = total_rows * stride;
  for (int64_t k = 0; k < rows; ++k) {
    const float* in = partial + (row0 + k) * stride;
    float* sum = out + k * columns;
    for (int64_t r = 0; r < columns; ++r) sum[r] = in[r];
    for (int64_t g = 1; g < groups; ++g)
      for (int64_t r = 0; r < columns; ++r) sum[r] += in[g * size + r];
  }
}

}  // namespace gatecast::GATECAST_ISA
