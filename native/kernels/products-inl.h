// One name per product for any number of lanes: LANES sequences (gemm-inl.h) or a single one (gemv-inl.h).
#pragma once

#include "kernels/gemv-inl.h"

namespace gatecast::GATECAST_ISA {

// Steps (of one block or several) whose dz is collected before it goes into dW: the latest of them are still in the
// cache then, and a tile of dW is loaded and stored once for all of them. In lanes a step is one of LANES sequences.
template <int L>
inline constexpr int CHUNK_STEPS = L == 1 ? 64 : MAX_ITEMS;

// Columns [column, column + M) of W (K, stride), packed into `buffer` (K M floats).
template <int L>
GATECAST_INLINE Matrix columns(const float* W, int64_t K, int64_t stride, int64_t column, int64_t M, float* buffer) {
  Matrix w = {.W = W + column, .K = K, .stride = stride, .M = M};
  if constexpr (L == 1)
    pack_single(w, buffer);
  else
    pack_tiles(w, buffer);
  w.packed = buffer;
  return w;
}

// y (M, L) = b + sum over terms W x; without b it is added to what y holds. `parity`: see single_forward.
template <int L, int TERMS>
GATECAST_INLINE void forward_product(const Term (&terms)[TERMS], const float* b, int64_t M, float* y,
                                     [[maybe_unused]] bool parity = false) {
  if constexpr (L == 1)
    single_forward(terms, TERMS, b, M, y, parity);
  else
    lanes_forward(terms, TERMS, b, M, y);
}

// dx (K, L) = W dz, or += with ADD; some of `prefetch` is requested meanwhile.
template <int L, bool ADD>
GATECAST_INLINE void backward_product(const Matrix& w, const float* dz, float* dx, Prefetch& prefetch,
                                      [[maybe_unused]] bool parity = false) {
  if constexpr (L == 1)
    single_backward(w, ADD, dz, dx, parity);
  else
    lanes_backward(w, ADD, dz, dx, prefetch);
}

// Adds the weight gradients of up to CHUNK_STEPS items to every term's dW and to db (may be null). The items' dz lie
// one after the other, `width` floats apart, with PANEL readable floats after the last; only their first M rows are
// used.
template <int L, int TERMS>
GATECAST_INLINE void gradient_product(const GradTerm (&terms)[TERMS], const float* dz, int64_t width, int items,
                                      int64_t M, float* db) {
  if constexpr (L == 1) {
    single_gradient(terms, TERMS, dz, width, items, M, db);
  } else {
    const float* slabs[MAX_ITEMS];
    for (int i = 0; i < items; ++i) slabs[i] = dz + i * width;
    lanes_gradient(terms, TERMS, slabs, items, M, db);
  }
}

// y (M, L) = b.
template <int L>
GATECAST_INLINE void broadcast(const float* b, int64_t M, float* y) {
  for (int64_t r = 0; r < M; ++r)
    for (int lane = 0; lane < L; ++lane) y[r * L + lane] = b[r];
}

}  // namespace gatecast::GATECAST_ISA
