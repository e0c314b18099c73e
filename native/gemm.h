// The three matrix products of a recurrent layer for sequences in lanes, around one register tile.
//
//   forward        y[r][lane]  = sum_k  W[k][r]   x[k][lane]      broadcast weights (packed), vectors of lanes
//   data gradient  dx[k][lane] = sum_r  W[k][r]  dz[r][lane]      broadcast weights (as they lie), vectors of lanes
//   weight grad.   dW[k][r]   += sum_n  x[k][n]  dz[r][n]         broadcast x, vectors of r (dz transposed by panel)
//
// with W (K, M) row-major, so that r runs over memory, and n over all time steps and lanes of a chunk. A tile is
// ROWS x COLS vector accumulators: its loads are ROWS broadcasts and COLS vectors for ROWS x COLS multiply-adds.
// One sequence alone has products of its own (gemv.h); products.h picks.
#pragma once

#include "memory.h"
#include "parallel.h"
#include "simd.h"

namespace gatecast::GATECAST_ISA {

// Columns of a row-major weight matrix: W[k * stride + r] for k < K, r < M; `packed` for forward products in lanes.
struct Matrix {
  const float* W;
  int64_t K, stride, M;
  const float* packed;
};

// One summand W x of a forward product.
struct Term {
  const Matrix* w;
  const float* x;
};

// Rows of the tile that starts at row `r` of `count`: as few tiles as there can be, about equally high, because a low
// one has too few accumulators to hide the latency of a multiply-add.
GATECAST_INLINE int tile_rows(int64_t count, int64_t r) {
  const int64_t left = count - r, tiles = (left + ROWS - 1) / ROWS;
  return static_cast<int>((left + tiles - 1) / tiles);
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

// One block or one sequence alone leaves the other threads without work: then a product is split by its outputs, of
// which each is summed as ever. `work` is its number of weights; below SPLIT_WORK (some three microseconds) the threads
// would take longer to meet than to compute. f(part, parts) for every part.
inline constexpr int64_t SPLIT_WORK = 1 << 15;
template <typename F>
GATECAST_INLINE void split_product(int64_t work, F&& f) {
  const int parts = work < SPLIT_WORK ? 1 : free_threads();
  if (parts == 1) return f(0, 1);
  parallel_for(parts, parts, [&](int64_t part, int) { f(static_cast<int>(part), parts); });
}

// f(r, rows) for the tiles of `count` rows that are this part's.
template <typename F>
GATECAST_INLINE void each_tile(int64_t count, int part, int parts, F&& f) {
  const int64_t tiles = (count + ROWS - 1) / ROWS, first = part * tiles / parts, last = (part + 1) * tiles / parts;
  int64_t r = 0;
  for (int64_t tile = 0; tile < last; ++tile) {
    const int rows = tile_rows(count, r);
    if (tile >= first) f(r, rows);
    r += rows;
  }
}

// ---- forward ------------------------------------------------------------------------------------------------------

// Packs W (K, M): tile after tile, in each tile [K][rows of the tile]. A tile that starts at row r lies at r * K.
GATECAST_APART void pack_tiles(const Matrix& w, float* packed) {
  for (int64_t r = 0; r < w.M;) {
    const int rows = tile_rows(w.M, r);
    with_rows(rows, [&]<int R>() {
      float* out = packed + r * w.K;
      const float* in = w.W + r;
      for (int64_t k = 0; k < w.K; ++k, in += w.stride, out += R)
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

// y (M, lane) = b + sum over terms W x; without b it is added to what y holds.
GATECAST_APART void lanes_forward(const Term* terms, int count, const float* b, int64_t M, float* y) {
  split_product(M * terms[0].w->K * count * 8, [&](int part, int parts) {
    each_tile(M, part, parts, [&](int64_t r0, int rows) {
      with_rows(rows, [&]<int R>() {
        for (int lane = 0; lane < LANES; lane += COLS * VL) {
          float* out = y + r0 * LANES + lane;
          vf acc[R][COLS];
#pragma GCC unroll 16
          for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
            for (int v = 0; v < COLS; ++v) acc[r][v] = b ? set1(b[r0 + r]) : load(out + r * LANES + v * VL);
#pragma GCC unroll 1
          for (int s = 0; s < count; ++s)
            tile_forward<R>(acc, terms[s].w->packed + r0 * terms[s].w->K, terms[s].x + lane, terms[s].w->K);
#pragma GCC unroll 16
          for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
            for (int v = 0; v < COLS; ++v) store(out + r * LANES + v * VL, acc[r][v]);
        }
      });
    });
  });
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

// Memory that the next step will read, asked for a few cache lines at a time while products keep the processor busy:
// the planes of one step are too short for the hardware to see a stream in them. The backward pass of 50 units, batch
// 256, 96 steps became 2 % faster; in the forward pass, which mostly writes, it gave nothing.
struct Ahead {
  const float* from[3] = {};
  int64_t left[3] = {};  // floats

  GATECAST_INLINE void fetch(int lines) {
    for (int i = 0; i < 3 && lines > 0; ++i)
      for (; left[i] > 0 && lines > 0; left[i] -= 16, from[i] += 16, --lines) __builtin_prefetch(from[i]);
  }
};

// dx (K, lane) = W dz, or += W dz.
GATECAST_APART void lanes_backward(const Matrix& w, bool add, const float* dz, float* dx, Ahead& ahead) {
  split_product(w.K * w.M * 8, [&](int part, int parts) {
    each_tile(w.K, part, parts, [&](int64_t k0, int rows) {
      if (part == 0) ahead.fetch(20);
      with_rows(rows, [&]<int R>() {
        for (int lane = 0; lane < LANES; lane += COLS * VL) {
          vf acc[R][COLS] = {};
          tile_backward<R>(acc, w.W + k0 * w.stride, w.stride, dz + lane, w.M);
#pragma GCC unroll 16
          for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
            for (int v = 0; v < COLS; ++v) {
              float* out = dx + (k0 + r) * LANES + lane + v * VL;
              store(out, add ? load(out) + acc[r][v] : acc[r][v]);
            }
        }
      });
    });
  });
}

// ---- weight gradient ----------------------------------------------------------------------------------------------

inline constexpr int PANEL = VL * GRAD_COLS;  // columns of dW that a tile covers
inline constexpr int MAX_ITEMS = 16;          // rows of lanes (time steps, blocks) that one pass reduces at most

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

// One summand of a weight gradient: dW (K, stride) += x dz^T over the items; x[item] is (K, L).
struct GradTerm {
  const float* const* x;
  int64_t K;
  float* dW;
  int64_t stride;
};

// dW[k][0..count) += sum_n x[k][n] panel[n][..] for R rows k that start at k0 of every x[item] (K, L), n over items and
// lanes; C vectors of columns. The panel's rows are `width` apart; what it holds beyond `count` columns is not used.
template <int L, int R, int C>
GATECAST_INLINE void tile_gradient(const GradTerm& term, int items, int64_t k0, const float* panel, int64_t width,
                                   int count, float* dW) {
  vf acc[R][C] = {};
  for (int item = 0; item < items; ++item) {
    const float* rows = term.x[item] + k0 * L;
#pragma GCC unroll 4
    for (int lane = 0; lane < L; ++lane, panel += width) {
      vf column[C];
#pragma GCC unroll 8
      for (int v = 0; v < C; ++v) column[v] = load(panel + v * VL);
#pragma GCC unroll 16
      for (int r = 0; r < R; ++r) {
        const vf value = set1(rows[r * L + lane]);
#pragma GCC unroll 8
        for (int v = 0; v < C; ++v) acc[r][v] += value * column[v];
      }
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) {
    float* out = dW + (k0 + r) * term.stride;
    if (count == C * VL) {
#pragma GCC unroll 8
      for (int v = 0; v < C; ++v) store(out + v * VL, load(out + v * VL) + acc[r][v]);
    } else {
      float part[C * VL];
      for (int v = 0; v < C; ++v) store(part + v * VL, acc[r][v]);
      for (int i = 0; i < count; ++i) out[i] += part[i];
    }
  }
}

// db[0..count) += sum_n panel[n][..], in four chains so that the additions overlap.
GATECAST_APART void sum_panel(const float* panel, int64_t width, int64_t n, int count, float* db) {
  constexpr int C = GRAD_COLS;
  vf acc[4][C] = {};
  int64_t i = 0;
  for (; i + 4 <= n; i += 4)
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j)
#pragma GCC unroll 8
      for (int v = 0; v < C; ++v) acc[j][v] += load(panel + (i + j) * width + v * VL);
  for (; i < n; ++i)
#pragma GCC unroll 8
    for (int v = 0; v < C; ++v) acc[0][v] += load(panel + i * width + v * VL);
  float part[C * VL];
  for (int v = 0; v < C; ++v) store(part + v * VL, (acc[0][v] + acc[1][v]) + (acc[2][v] + acc[3][v]));
  for (int k = 0; k < count; ++k) db[k] += part[k];
}

// Adds one panel's part of a weight gradient.
template <int L, int C>
GATECAST_APART void panel_gradient(const GradTerm& term, int items, const float* panel, int64_t width, int64_t r0,
                                   int count) {
  for (int64_t k0 = 0; k0 < term.K;) {
    const int rows = tile_rows(term.K, k0);
    with_rows(rows, [&]<int R>() { tile_gradient<L, R, C>(term, items, k0, panel, width, count, term.dW + r0); });
    k0 += rows;
  }
}

// Adds the weight gradients of up to MAX_ITEMS items: every term's dW, and db if it is given. dz[item] is (M, lane).
inline void lanes_gradient(const GradTerm* terms, int number, const float* const* dz, int items, int64_t M, float* db) {
  const int64_t panels = (M + PANEL - 1) / PANEL;
  split_product(items * M * terms[0].K * 8, [&](int part, int parts) {
    alignas(64) float panel[MAX_ITEMS * LANES * PANEL];
    for (int64_t r0 = part * panels / parts * PANEL; r0 < M && r0 < (part + 1) * panels / parts * PANEL; r0 += PANEL) {
      const int count = static_cast<int>(M - r0 < PANEL ? M - r0 : PANEL);
      transpose_panel(dz, items, r0, count, panel);
      if (db) sum_panel(panel, PANEL, int64_t{items} * LANES, count, db + r0);
      for (int s = 0; s < number; ++s)
        if (count <= VL)  // half a panel is worth a narrower tile: 200 columns are twelve panels of 16 and a half
          panel_gradient<LANES, 1>(terms[s], items, panel, PANEL, r0, count);
        else
          panel_gradient<LANES, GRAD_COLS>(terms[s], items, panel, PANEL, r0, count);
    }
  });
}

}  // namespace gatecast::GATECAST_ISA
