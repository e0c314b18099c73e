// The three matrix products of a recurrent layer for sequences in lanes, around one register tile.
//
//   forward        y[r][lane]  = sum_k  W[k][r]   x[k][lane]      broadcast weights (packed), vectors of lanes
//   data gradient  dx[k][lane] = sum_r  W[k][r]  dz[r][lane]      broadcast weights (as they lie), vectors of lanes
//   weight grad.   dW[k][r]   += sum_n  x[k][n]  dz[r][n]         broadcast x, vectors of r (dz transposed by panel)
//
// with W (K, M) row-major, so that r runs over memory, and n over all time steps and lanes of a chunk. A tile is
// ROWS x COLS vector accumulators: its loads are ROWS broadcasts and COLS vectors for ROWS x COLS multiply-adds.
// A single sequence has products of its own (gemv-inl.h); products-inl.h picks between them.
#pragma once

#include "kernels/simd-inl.h"
#include "runtime/memory_pool.h"
#include "runtime/processor.h"
#include "runtime/thread_pool.h"

namespace gatecast::GATECAST_ISA {

// Columns of a row-major weight matrix: W[k * stride + r] for k < K, r < M; `packed` is its copy for forward products,
// tile after tile (pack_tiles, pack_single), or null.
struct Matrix {
  const float* W = nullptr;
  int64_t K = 0, stride = 0, M = 0;
  const float* packed = nullptr;
};

// One summand W x of a forward product.
struct Term {
  const Matrix* w;
  const float* x;
};

// Rows of the tile that starts at row `r` of `count`: as few tiles as possible, of about equal height, because a flat
// one has too few accumulators to hide the latency of a multiply-add.
GATECAST_INLINE int tile_rows(int64_t count, int64_t r) {
  const int64_t remaining = count - r, tiles = (remaining + ROWS - 1) / ROWS;
  return static_cast<int>((remaining + tiles - 1) / tiles);
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

// Rows of a tile of R whose weights are loaded two at a time (measured: docs/performance.md). In a tile of one vector
// of lanes every multiply-add loads its weight: with the vector of lanes that is one load more than the two a cycle
// that a processor has for two multiply-adds. A pair of weights takes one load and two shuffles.
template <int R>
inline constexpr int PAIRED_ROWS = VL == 16 && COLS == 1 ? R / 5 * 2 : 0;

// Calls f.template operator()<R, P>() for a tile of R rows, P of which have their weights in pairs.
template <typename F>
GATECAST_INLINE void with_tile(int rows, F&& f) {
  with_rows(rows, [&]<int R>() {
    if constexpr (PAIRED_ROWS<R> > 0) {
      if (shuffles_are_free()) return f.template operator()<R, PAIRED_ROWS<R>>();
    }
    f.template operator()<R, 0>();
  });
}

// What a product takes, in seconds for each weight, at two vectors of multiply-adds a cycle and 3.5 GHz: with all
// lanes, and for each step of one sequence of several at once.
inline constexpr double LANES_SECONDS = VECTORS * 1.43e-10, STEP_SECONDS = 1.43e-10 / VL;

// With one sequence: the time that its weights take to arrive, from the caches of a core or from outer ones.
GATECAST_INLINE double single_seconds(int64_t weights) {
  return static_cast<double>(weights) * (weights < 1 << 16 ? 0.3e-10 : 0.9e-10);
}

// A single block leaves the other threads without work: then a product is split by its outputs, each of which is still
// summed in the same order, if that saves more time than it costs: a hand-over, and SPLIT_SECONDS, because inputs and
// half of the outputs have to come from the other cores. f(part, parts) for every part.
inline constexpr double SPLIT_SECONDS = 0.6e-6;
template <typename F>
GATECAST_INLINE void split_product(double seconds, F&& f) {
  const int parts = worthwhile_threads(seconds - SPLIT_SECONDS);
  if (parts == 1) return f(0, 1);
  parallel_for(parts, parts, [&](int64_t part, int) { f(static_cast<int>(part), parts); });
}

// f(r, rows) for this part's tiles of `count` rows.
template <typename F>
GATECAST_INLINE void for_each_tile(int64_t count, int part, int parts, F&& f) {
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
GATECAST_NOINLINE void pack_tiles(const Matrix& w, float* packed) {
  split_product(single_seconds(w.K * w.M), [&](int part, int parts) {
    for_each_tile(w.M, part, parts, [&](int64_t r, int rows) {
      with_rows(rows, [&]<int R>() {
        float* out = packed + r * w.K;
        const float* in = w.W + r;
        for (int64_t k = 0; k < w.K; ++k, in += w.stride, out += R)
          for (int i = 0; i < R; ++i) out[i] = in[i];
      });
    });
  });
}

// acc[r][v] += sum_k packed[k][r] * x[k][v], the weights of the last P rows in pairs.
template <int R, int P>
GATECAST_INLINE void tile_forward(vf (&acc)[R][COLS], const float* packed, const float* x, int64_t K) {
#pragma GCC unroll 2
  for (int64_t k = 0; k < K; ++k, packed += R, x += LANES) {
    vf column[COLS];
#pragma GCC unroll 8
    for (int v = 0; v < COLS; ++v) column[v] = load(x + v * VL);
#pragma GCC unroll 16
    for (int r = 0; r < R - P; ++r) {
      const vf weight = set1(packed[r]);
#pragma GCC unroll 8
      for (int v = 0; v < COLS; ++v) acc[r][v] += weight * column[v];
    }
#pragma GCC unroll 16
    for (int r = R - P; r < R; r += 2) {
      vf weight[2];
      set1_pair(packed + r, weight[0], weight[1]);
#pragma GCC unroll 8
      for (int v = 0; v < COLS; ++v) {
        acc[r][v] += weight[0] * column[v];
        acc[r + 1][v] += weight[1] * column[v];
      }
    }
  }
}

// y (M, lane) = b + sum over terms W x; without b it is added to what y holds.
GATECAST_NOINLINE void lanes_forward(const Term* terms, int n_terms, const float* b, int64_t M, float* y) {
  split_product(static_cast<double>(M * terms[0].w->K * n_terms) * LANES_SECONDS, [&](int part, int parts) {
    for_each_tile(M, part, parts, [&](int64_t r0, int rows) {
      with_tile(rows, [&]<int R, int P>() {
        for (int lane = 0; lane < LANES; lane += COLS * VL) {
          float* out = y + r0 * LANES + lane;
          vf acc[R][COLS];
#pragma GCC unroll 16
          for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
            for (int v = 0; v < COLS; ++v) acc[r][v] = b ? set1(b[r0 + r]) : load(out + r * LANES + v * VL);
#pragma GCC unroll 1
          for (int s = 0; s < n_terms; ++s)
            tile_forward<R, P>(acc, terms[s].w->packed + r0 * terms[s].w->K, terms[s].x + lane, terms[s].w->K);
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

// acc[i][v] += sum_r W[i * stride + r] * dz[r][v], with two steps of r at once and the weights of the last P rows in
// pairs if P > 0; a base pointer for every third row keeps the addresses in x86's base + scaled-index form.
template <int R, int P>
GATECAST_INLINE void tile_backward(vf (&acc)[R][COLS], const float* W, int64_t stride, const float* dz, int64_t M) {
  const float* base[(R + 2) / 3];
#pragma GCC unroll 8
  for (int i = 0; i < (R + 2) / 3; ++i) base[i] = W + 3 * i * stride;
  int64_t r = 0;
  if constexpr (P > 0)
    for (; r + 2 <= M; r += 2, dz += 2 * LANES) {
      vf column[2][COLS];
#pragma GCC unroll 8
      for (int v = 0; v < COLS; ++v) {
        column[0][v] = load(dz + v * VL);
        column[1][v] = load(dz + LANES + v * VL);
      }
#pragma GCC unroll 16
      for (int i = 0; i < R; ++i) {
        const float* weights = &base[i / 3][(i % 3) * stride + r];
        vf weight[2];
        if (i < R - P) {
          weight[0] = set1(weights[0]);
          weight[1] = set1(weights[1]);
        } else {
          set1_pair(weights, weight[0], weight[1]);
        }
#pragma GCC unroll 8
        for (int v = 0; v < COLS; ++v) {
          acc[i][v] += weight[0] * column[0][v];
          acc[i][v] += weight[1] * column[1][v];
        }
      }
    }
#pragma GCC unroll 2
  for (; r < M; ++r, dz += LANES) {
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

// Software prefetch of what the next step will read, a few cache lines at a time while products keep the processor
// busy: the rows of one step are too short for the hardware prefetcher. The backward pass of 50 units, batch 256, 96
// steps became 2 % faster; in the forward pass, which mostly writes, it gained nothing.
struct Prefetch {
  const float* address[3] = {};
  int64_t remaining[3] = {};  // floats

  GATECAST_INLINE void fetch(int lines) {
    for (int i = 0; i < 3 && lines > 0; ++i)
      for (; remaining[i] > 0 && lines > 0; remaining[i] -= 16, address[i] += 16, --lines)
        __builtin_prefetch(address[i]);
  }
};

// dx (K, lane) = W dz, or += W dz.
GATECAST_NOINLINE void lanes_backward(const Matrix& w, bool add, const float* dz, float* dx, Prefetch& prefetch) {
  split_product(static_cast<double>(w.K * w.M) * LANES_SECONDS, [&](int part, int parts) {
    for_each_tile(w.K, part, parts, [&](int64_t k0, int rows) {
      if (part == 0) prefetch.fetch(20);
      with_tile(rows, [&]<int R, int P>() {
        for (int lane = 0; lane < LANES; lane += COLS * VL) {
          vf acc[R][COLS] = {};
          tile_backward<R, P>(acc, w.W + k0 * w.stride, w.stride, dz + lane, w.M);
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
inline constexpr int MAX_ITEMS = 8;           // rows of lanes (time steps, blocks) that one pass reduces at most

// Eight lanes picked from two vectors, 0..7 from the first. GCC has the first form since version 12.
#if defined(__clang__) || __GNUC__ >= 12
#define GATECAST_SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
typedef int32_t i8 __attribute__((vector_size(32)));
#define GATECAST_SHUFFLE(a, b, ...) __builtin_shuffle(a, b, i8{__VA_ARGS__})
#endif

// Eight rows of eight lanes, transposed: in[r * LANES + lane] to out[lane * PANEL + r].
GATECAST_INLINE void transpose_8x8(const float* in, float* out) {
  typedef float v8 __attribute__((vector_size(32)));
  typedef float v8_any __attribute__((vector_size(32), aligned(4), may_alias));
  v8 a[8], b[8];
#pragma GCC unroll 8
  for (int r = 0; r < 8; ++r) a[r] = *reinterpret_cast<const v8_any*>(in + r * LANES);
#pragma GCC unroll 4
  for (int r = 0; r < 8; r += 2) {
    b[r] = GATECAST_SHUFFLE(a[r], a[r + 1], 0, 8, 1, 9, 4, 12, 5, 13);
    b[r + 1] = GATECAST_SHUFFLE(a[r], a[r + 1], 2, 10, 3, 11, 6, 14, 7, 15);
  }
#pragma GCC unroll 2
  for (int r = 0; r < 8; r += 4)
#pragma GCC unroll 2
    for (int i = 0; i < 2; ++i) {
      a[r + 2 * i] = GATECAST_SHUFFLE(b[r + i], b[r + i + 2], 0, 1, 8, 9, 4, 5, 12, 13);
      a[r + 2 * i + 1] = GATECAST_SHUFFLE(b[r + i], b[r + i + 2], 2, 3, 10, 11, 6, 7, 14, 15);
    }
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    *reinterpret_cast<v8_any*>(out + i * PANEL) = GATECAST_SHUFFLE(a[i], a[i + 4], 0, 1, 2, 3, 8, 9, 10, 11);
    *reinterpret_cast<v8_any*>(out + (i + 4) * PANEL) = GATECAST_SHUFFLE(a[i], a[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
  }
}

// dz transposed: panel[n][PANEL] from rows r0 .. r0+count of `items` slabs (M, lane). Columns beyond `count` are not
// used and not written.
GATECAST_INLINE void transpose_panel(const float* const* dz, int items, int64_t r0, int count, float* panel) {
  for (int item = 0; item < items; ++item, panel += LANES * PANEL) {
    const float* slab = dz[item] + r0 * LANES;
    int r = 0;
    for (; r + 8 <= count; r += 8)
      for (int lane = 0; lane < LANES; lane += 8) transpose_8x8(slab + r * LANES + lane, panel + lane * PANEL + r);
    for (; r < count; ++r)
      for (int lane = 0; lane < LANES; ++lane) panel[lane * PANEL + r] = slab[r * LANES + lane];
  }
}

// The same for at most VL / 2 columns, with two lanes in a row of the panel: panel[n][2 r], panel[n][2 r + 1] are lanes
// 2 n and 2 n + 1 of column r. Then half as many multiply-adds fill whole vectors.
GATECAST_INLINE void transpose_pairs(const float* const* dz, int items, int64_t r0, int count, float* panel) {
  for (int item = 0; item < items; ++item, panel += LANES / 2 * PANEL) {
    const float* slab = dz[item] + r0 * LANES;
    for (int r = 0; r < count; ++r)
      for (int pair = 0; pair < LANES / 2; ++pair)
        __builtin_memcpy(panel + pair * PANEL + 2 * r, slab + r * LANES + 2 * pair, 2 * sizeof(float));
  }
}

// The columns that the next tiles cover where `remaining` are left: a whole panel, or the last ones in as few vectors
// of multiply-adds as possible. A narrow tile costs more for each vector, but 200 columns are twelve and a half of 16.
GATECAST_INLINE int panel_columns(int64_t remaining) {
  return static_cast<int>(remaining >= PANEL ? PANEL : remaining <= VL || remaining > VL + VL / 2 ? remaining : VL);
}

// One summand of a weight gradient: dW (K, stride) += x dz^T over the items; x[item] is (K, L).
struct GradTerm {
  const float* const* x;
  int64_t K;
  float* dW;
  int64_t stride;
};

// Adds C vectors of sums to out[0..count): of F lanes each that lie next to each other.
template <int C, int F>
GATECAST_INLINE void add_columns(const vf (&acc)[C], int count, float* out) {
  if (F == 1 && count == C * VL) {
#pragma GCC unroll 8
    for (int v = 0; v < C; ++v) store(out + v * VL, load(out + v * VL) + acc[v]);
    return;
  }
  float part[C * VL];
  for (int v = 0; v < C; ++v) store(part + v * VL, acc[v]);
  for (int i = 0; i < count; ++i) out[i] += F == 1 ? part[i] : part[2 * i] + part[2 * i + 1];
}

// dW[k][0..count) += sum_n x[k][n] panel[n][..] for R rows k that start at k0 of every x[item] (K, L), n over items and
// lanes; C vectors of columns, of F lanes at once. The panel's rows are `width` apart; its columns beyond `count` are
// not used.
template <int L, int R, int C, int F>
GATECAST_INLINE void tile_gradient(const GradTerm& term, int items, int64_t k0, const float* panel, int64_t width,
                                   int count, float* dW) {
  // What the tile is added to comes from the outer caches while it is summed: rows of 512 units are 8 kB apart, so the
  // inner caches hold few of them.
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
    for (int v = 0; v < C; ++v) __builtin_prefetch(dW + (k0 + r) * term.stride + v * VL, 1);
  vf acc[R][C] = {};
  for (int item = 0; item < items; ++item) {
    const float* rows = term.x[item] + k0 * L;
    if (L > 1) {  // and what the next item, or the next tile, begins with
      const float* next = item + 1 < items ? term.x[item + 1] + k0 * L : term.x[0] + (k0 + R) * L;
#pragma GCC unroll 16
      for (int r = 0; r < R; ++r) __builtin_prefetch(next + r * L);
    }
#pragma GCC unroll 4
    for (int lane = 0; lane < L; lane += F, panel += width) {
      vf column[C];
#pragma GCC unroll 8
      for (int v = 0; v < C; ++v) column[v] = load(panel + v * VL);
#pragma GCC unroll 16
      for (int r = 0; r < R; ++r) {
        const vf value = F == 1 ? set1(rows[r * L + lane]) : repeat_pair(rows + r * L + lane);
#pragma GCC unroll 8
        for (int v = 0; v < C; ++v) acc[r][v] += value * column[v];
      }
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) add_columns<C, F>(acc[r], count, dW + (k0 + r) * term.stride);
}

// db[0..count) += sum_n panel[n][..], in four independent chains so that the additions overlap.
template <int F>
GATECAST_NOINLINE void sum_panel(const float* panel, int64_t width, int64_t n, int count, float* db) {
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
#pragma GCC unroll 8
  for (int v = 0; v < C; ++v) acc[0][v] = (acc[0][v] + acc[1][v]) + (acc[2][v] + acc[3][v]);
  add_columns<C, F>(acc[0], count, db);
}

// Adds the part of a weight gradient that one panel of columns covers.
template <int L, int C, int F>
GATECAST_NOINLINE void panel_gradient(const GradTerm& term, int items, const float* panel, int64_t width, int64_t r0,
                                      int count) {
  for (int64_t k0 = 0; k0 < term.K;) {
    const int rows = tile_rows(term.K, k0);
    with_rows(rows, [&]<int R>() { tile_gradient<L, R, C, F>(term, items, k0, panel, width, count, term.dW + r0); });
    k0 += rows;
  }
}

// Adds what the columns r0 .. r0 + count of dz give, all of one panel: to every term's dW, and to db if it is given.
GATECAST_INLINE void columns_gradient(const GradTerm* terms, int n_terms, const float* const* dz, int items, int64_t r0,
                                      int count, float* panel, float* db) {
  const int64_t n = int64_t{items} * LANES;
  if (count <= VL / 2) {
    transpose_pairs(dz, items, r0, count, panel);
    if (db) sum_panel<2>(panel, PANEL, n / 2, count, db + r0);
    for (int s = 0; s < n_terms; ++s) panel_gradient<LANES, 1, 2>(terms[s], items, panel, PANEL, r0, count);
    return;
  }
  transpose_panel(dz, items, r0, count, panel);
  if (db) sum_panel<1>(panel, PANEL, n, count, db + r0);
  for (int s = 0; s < n_terms; ++s)
    if (count <= VL)
      panel_gradient<LANES, 1, 1>(terms[s], items, panel, PANEL, r0, count);
    else
      panel_gradient<LANES, GRAD_COLS, 1>(terms[s], items, panel, PANEL, r0, count);
}

// Adds the weight gradients of up to MAX_ITEMS items: every term's dW, and db if it is given. dz[item] is (M, lane).
GATECAST_NOINLINE void lanes_gradient(const GradTerm* terms, int n_terms, const float* const* dz, int items, int64_t M,
                                      float* db) {
  const int64_t panels = (M + PANEL - 1) / PANEL;
  int64_t K = 0;
  for (int n = 0; n < n_terms; ++n) K += terms[n].K;
  const double seconds = static_cast<double>(items * M * K) * LANES_SECONDS;
  split_product(seconds - fetch_seconds(items * (M + K) * LANES), [&](int part, int parts) {
    alignas(64) float panel[MAX_ITEMS * LANES * PANEL] = {};
    const int64_t end = min(M, (part + 1) * panels / parts * PANEL);
    for (int64_t r0 = part * panels / parts * PANEL; r0 < end;) {
      const int count = panel_columns(end - r0);
      columns_gradient(terms, n_terms, dz, items, r0, count, panel, db);
      r0 += count;
    }
  });
}

}  // namespace gatecast::GATECAST_ISA
