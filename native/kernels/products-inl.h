// One name for each product, whatever the number of lanes: in lanes (gemm-inl.h) or alone (gemv-inl.h).
#pragma once

#include "kernels/gemv-inl.h"

namespace gatecast::GATECAST_ISA {

// Steps (of one block or several) whose gradients are gathered before they go into dW: the last of them are still in
// the cache then, and a tile of dW is loaded and stored once for all of them. In lanes a step counts LANES sequences.
template <int L>
inline constexpr int CHUNK = L == 1 ? 64 : MAX_ITEMS;

// Columns [column, column + M) of W (K, stride), packed into `room` where that is of use (it needs K M floats).
template <int L>
GATECAST_INLINE Matrix columns(const float* W, int64_t K, int64_t stride, int64_t column, int64_t M, float* room) {
  Matrix w = {W + column, K, stride, M, nullptr};
  if constexpr (L == 1)
    pack_alone(w, room);
  else
    pack_tiles(w, room);
  w.packed = room;
  return w;
}

// y (M, L) = b + sum over terms W x; without b it is added to what y holds. `odd`: see alone_forward.
template <int L, int TERMS>
GATECAST_INLINE void forward_product(const Term (&terms)[TERMS], const float* b, int64_t M, float* y,
                                     [[maybe_unused]] bool odd = false) {
  if constexpr (L == 1)
    alone_forward(terms, TERMS, b, M, y, odd);
  else
    lanes_forward(terms, TERMS, b, M, y);
}

// dx (K, L) = W dz, or += with ADD; `ahead` is fetched meanwhile.
template <int L, bool ADD>
GATECAST_INLINE void backward_product(const Matrix& w, const float* dz, float* dx, Ahead& ahead,
                                      [[maybe_unused]] bool odd = false) {
  if constexpr (L == 1)
    alone_backward(w, ADD, dz, dx, odd);
  else
    lanes_backward(w, ADD, dz, dx, ahead);
}

// Adds the weight gradients of up to CHUNK items to every term's dW and to db (may be null). The items' dz lie one
// after the other, `width` floats apart, with PANEL floats of room behind the last; their first M rows count.
template <int L, int TERMS>
GATECAST_INLINE void gradient_product(const GradTerm (&terms)[TERMS], const float* dz, int64_t width, int items,
                                      int64_t M, float* db) {
  if constexpr (L == 1) {
    alone_gradient(terms, TERMS, dz, width, items, M, db);
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
