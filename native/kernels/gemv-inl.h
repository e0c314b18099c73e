// The three products for a single sequence (L = 1): vectors run over the columns of W, which therefore needs no
// packing, and one step costs one pass over the weights. An output of the forward product is summed in the same order
// as in lanes, so a sequence has the same bits by itself and in a batch.
#pragma once

#include "kernels/gemm-inl.h"

namespace gatecast::GATECAST_ISA {

inline constexpr int MAX_VECTORS = 12;  // vectors of columns in a tile: enough chains to hide a multiply-add's latency

// Calls f.template operator()<V>() for the run-time count 1 <= vectors <= MAX_VECTORS.
template <int V = MAX_VECTORS, typename F>
GATECAST_INLINE void with_vectors(int64_t vectors, F&& f) {
  if constexpr (V == 1) {
    f.template operator()<1>();
  } else {
    if (vectors == V)
      f.template operator()<V>();
    else
      with_vectors<V - 1>(vectors, f);
  }
}

// Tiles of `vectors` vectors of columns, of about equal width (a narrow one has too few chains to hide the latency) and
// an even number of them, so that two threads have equal shares. Tile `i` starts at vector start(i).
struct SingleTiles {
  int64_t vectors, count;
  explicit SingleTiles(int64_t M) : vectors(M / VL), count((vectors + MAX_VECTORS - 1) / MAX_VECTORS) {
    if (count > 1) count += count % 2;
  }
  int64_t start(int64_t i) const { return i * vectors / count; }
};

// Packs W for a single sequence: tile after tile, in each tile [K][columns of the tile]. Unpacked, the rows of a tile
// are a row of W apart, often on another page, and weights that do not fit the inner cache stream in slowly.
inline void pack_single(const Matrix& w, float* packed) {
  const SingleTiles tiles(w.M);
  for (int64_t i = 0; i < tiles.count; ++i) {
    const int64_t first = tiles.start(i) * VL, width = tiles.start(i + 1) * VL - first;
    for (int64_t k = 0; k < w.K; ++k) copy(packed + first * w.K + k * width, w.W + k * w.stride + first, width);
  }
}

// acc[v] += sum over terms W x for V vectors of columns from r0; `is_tile`: they are one of SingleTiles, as packed.
template <int V>
GATECAST_INLINE void tile_single(const Term* terms, int n_terms, int64_t r0, bool is_tile, vf (&acc)[V]) {
#pragma GCC unroll 1
  for (int s = 0; s < n_terms; ++s) {
    const Matrix& m = *terms[s].w;
    const bool packed = m.packed && is_tile;
    const float *w = packed ? m.packed + r0 * m.K : m.W + r0, *x = terms[s].x;
    const int64_t K = m.K, stride = packed ? V * VL : m.stride;
    for (int64_t k = 0; k < K; ++k, w += stride) {
      const vf value = set1(x[k]);
#pragma GCC unroll 16
      for (int v = 0; v < V; ++v) acc[v] += value * load(w + v * VL);
    }
  }
}

// y (M) = b + sum over terms W x; without b it is added to what y holds. `parity`, set at every second step, reverses
// the order of the tiles: the next step starts with the weights that this one used last, so weights somewhat larger
// than the inner cache are partly found in it.
GATECAST_NOINLINE void single_forward(const Term* terms, int n_terms, const float* b, int64_t M, float* y,
                                      bool parity) {
  const float* start = b ? b : y;
  if (M < VL) {
    for (int64_t r = 0; r < M; ++r) {
      float sum = start[r];
      for (int s = 0; s < n_terms; ++s)
        for (int64_t k = 0; k < terms[s].w->K; ++k)
          sum = multiply_add(terms[s].x[k], terms[s].w->W[k * terms[s].w->stride + r], sum);
      y[r] = sum;
    }
    return;
  }
  // The last columns are a vector that overlaps the one before it. It is summed first: y may be the start values.
  vf tail[1] = {load(start + M - VL)};
  if (M % VL) tile_single<1>(terms, n_terms, M - VL, false, tail);
  split_product(single_seconds(M * terms[0].w->K * n_terms), [&](int part, int parts) {
    const SingleTiles tiles(M);
    const int64_t begin = part * tiles.count / parts, own = (part + 1) * tiles.count / parts - begin;
    for (int64_t i = 0; i < own; ++i) {
      const int64_t tile = begin + (parity ? own - 1 - i : i);
      const int64_t first = tiles.start(tile), last = tiles.start(tile + 1), r0 = first * VL;
      with_vectors(last - first, [&]<int V>() {
        vf acc[V];
#pragma GCC unroll 16
        for (int v = 0; v < V; ++v) acc[v] = load(start + r0 + v * VL);
        tile_single<V>(terms, n_terms, r0, true, acc);
#pragma GCC unroll 16
        for (int v = 0; v < V; ++v) store(y + r0 + v * VL, acc[v]);
      });
    }
  });
  if (M % VL) store(y + M - VL, tail[0]);
}

// y[n] (M) = b + W x[n] for `steps` steps at once, so that a loaded weight serves four of them: for what does not
// depend on the previous step. x[n] lies I floats after x[n - 1], y[n] M floats after y[n - 1].
GATECAST_NOINLINE void single_forward_steps(const Matrix& w, const float* x, int steps, const float* b, float* y) {
  const int64_t M = w.M, K = w.K;
  if (M < VL) {
    for (int n = 0; n < steps; ++n) {
      const Term term = {&w, x + n * K};
      single_forward(&term, 1, b, M, y + n * M, false);
    }
    return;
  }
  split_product(static_cast<double>(M * K * steps) * STEP_SECONDS, [&](int part, int parts) {
    constexpr int V = 3, S = 4;
    const int64_t vectors = (M + VL - 1) / VL, begin = part * vectors / parts, end = (part + 1) * vectors / parts;
    for (int64_t v0 = begin; v0 < end; v0 += V)
      for (int n0 = 0; n0 < steps; n0 += S) {
        // A tile that reaches beyond the last column or step repeats the last one.
        int64_t at[V];
        const float* in[S];
        for (int v = 0; v < V; ++v) at[v] = min(min(v0 + v, end - 1) * VL, M - VL);
        for (int n = 0; n < S; ++n) in[n] = x + (n0 + n < steps ? n0 + n : steps - 1) * K;
        vf acc[S][V];
#pragma GCC unroll 4
        for (int n = 0; n < S; ++n)
#pragma GCC unroll 4
          for (int v = 0; v < V; ++v) acc[n][v] = load(b + at[v]);
        const float* row = w.W;
        for (int64_t k = 0; k < K; ++k, row += w.stride) {
          const vf w0 = load(row + at[0]), w1 = load(row + at[1]), w2 = load(row + at[2]);
#pragma GCC unroll 4
          for (int n = 0; n < S; ++n) {
            const vf value = set1(in[n][k]);
            acc[n][0] += value * w0;
            acc[n][1] += value * w1;
            acc[n][2] += value * w2;
          }
        }
        for (int n = 0; n < S && n0 + n < steps; ++n)
#pragma GCC unroll 4
          for (int v = 0; v < V; ++v) store(y + (n0 + n) * M + at[v], acc[n][v]);
      }
  });
}

// dx (K) = W dz, or += W dz: four rows of W at a time; `parity` as above.
GATECAST_NOINLINE void single_backward(const Matrix& w, bool add, const float* dz, float* dx, bool parity) {
  split_product(single_seconds(w.K * w.M), [&](int part, int parts) {
    const int64_t begin = part * w.K / parts, own = (part + 1) * w.K / parts - begin;
    const int64_t fours = own / 4, tiles = fours + own % 4;
    for (int64_t tile = 0; tile < tiles; ++tile) {
      const int64_t at = parity ? tiles - 1 - tile : tile;
      const int64_t k0 = begin + (at < fours ? 4 * at : at + 3 * fours);
      const int rows = at < fours ? 4 : 1;
      with_rows<4>(rows, [&]<int R>() {
        const float* W = w.W + k0 * w.stride;
        vf acc[R][2] = {};
        int64_t r = 0;
        for (; r + 2 * VL <= w.M; r += 2 * VL)
#pragma GCC unroll 4
          for (int i = 0; i < R; ++i)
#pragma GCC unroll 2
            for (int v = 0; v < 2; ++v) acc[i][v] += load(W + i * w.stride + r + v * VL) * load(dz + r + v * VL);
        for (int i = 0; i < R; ++i) {
          float part_sums[VL], sum = 0;
          store(part_sums, acc[i][0] + acc[i][1]);
          for (int j = 0; j < VL; ++j) sum += part_sums[j];
          for (int64_t j = r; j < w.M; ++j) sum += W[i * w.stride + j] * dz[j];
          dx[k0 + i] = add ? dx[k0 + i] + sum : sum;
        }
      });
    }
  });
}

// dx[n] (K) = W dz[n] for `items` steps at once: a tile of three rows of W and four steps. dz[n] is `width` floats
// after dz[n - 1]; dx[n] may lie anywhere.
GATECAST_NOINLINE void single_backward_steps(const Matrix& w, const float* dz, int64_t width, int items,
                                             float* const* dx) {
  split_product(static_cast<double>(w.K * w.M * items) * STEP_SECONDS, [&](int part, int parts) {
    constexpr int R = 3, S = 4;
    const int64_t end = (part + 1) * w.K / parts;
    for (int64_t k0 = part * w.K / parts; k0 < end; k0 += R)
      for (int n0 = 0; n0 < items; n0 += S) {
        const float *W[R], *in[S];
        for (int i = 0; i < R; ++i) W[i] = w.W + min(k0 + i, end - 1) * w.stride;
        for (int n = 0; n < S; ++n) in[n] = dz + (n0 + n < items ? n0 + n : items - 1) * width;
        vf acc[R][S] = {};
        int64_t r = 0;
        for (; r + VL <= w.M; r += VL) {
          const vf w0 = load(W[0] + r), w1 = load(W[1] + r), w2 = load(W[2] + r);
#pragma GCC unroll 4
          for (int n = 0; n < S; ++n) {
            const vf value = load(in[n] + r);
            acc[0][n] += value * w0;
            acc[1][n] += value * w1;
            acc[2][n] += value * w2;
          }
        }
        for (int n = 0; n < S && n0 + n < items; ++n)
          for (int i = 0; i < R && k0 + i < end; ++i) {
            float lanes[VL], sum = 0;
            store(lanes, acc[i][n]);
            for (int j = 0; j < VL; ++j) sum += lanes[j];
            for (int64_t j = r; j < w.M; ++j) sum += W[i][j] * in[n][j];
            dx[n0 + n][k0 + i] = sum;
          }
      }
  });
}

// Adds the weight gradients of `items` steps; dz[item] is (M), `width` floats from one item to the next. Reads may run
// up to PANEL floats past the end of an item.
inline void single_gradient(const GradTerm* terms, int n_terms, const float* dz, int64_t width, int items, int64_t M,
                            float* db) {
  const int64_t panels = (M + PANEL - 1) / PANEL;
  split_product(static_cast<double>(items * M * terms[0].K) * STEP_SECONDS, [&](int part, int parts) {
    for (int64_t r0 = part * panels / parts * PANEL; r0 < M && r0 < (part + 1) * panels / parts * PANEL; r0 += PANEL) {
      const int count = static_cast<int>(M - r0 < PANEL ? M - r0 : PANEL);
      if (db) sum_panel<1>(dz + r0, width, items, count, db + r0);
      for (int s = 0; s < n_terms; ++s) panel_gradient<1, GRAD_COLS, 1>(terms[s], items, dz + r0, width, r0, count);
    }
  });
}

}  // namespace gatecast::GATECAST_ISA
