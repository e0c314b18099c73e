// A dense layer, y = activation(x W + b), item by item: an item is a step of a block.
#pragma once

#include "kernels/activations-inl.h"
#include "kernels/products-inl.h"
#include "kernels/reduction-inl.h"

namespace gatecast::GATECAST_ISA {

// W, packed for products in lanes into `buffer` (K M floats).
template <int L>
inline Matrix prepare_dense(const Dense& a, float* buffer) {
  if (L == 1) return {.W = a.W, .K = a.K, .stride = a.M, .M = a.M};
  return columns<L>(a.W, a.K, a.M, 0, a.M, buffer);
}

template <int L>
inline void dense_forward_items(const Dense& a, const Matrix& w, int64_t first, int64_t last) {
  for (int64_t n = first; n < last; ++n) {
    float* y = a.y + n * a.M * L;
    forward_product<L>({Term{&w, a.x + n * a.K * L}}, a.b, a.M, y);
    activate<L>(a.activation, a.M, y);
  }
}

// Floats of scratch that dense_backward_items needs: dz of a chunk, and PANEL that the products may read beyond it.
template <int L>
GATECAST_INLINE int64_t dense_scratch_size(const Dense& a) {
  return CHUNK_STEPS<L> * a.M * L + PANEL;
}

// Adds the weights' gradients of some items to `sums`: dW (K, M), then db (M).
template <int L>
inline void dense_backward_items(const Dense& a, const DenseGrad& d, int64_t first, int64_t last, float* scratch,
                                 float* sums) {
  const Matrix w = {.W = a.W, .K = a.K, .stride = a.M, .M = a.M};
  const int64_t width = a.M * L;
  clear(scratch + CHUNK_STEPS<L> * width, PANEL);
  for (int64_t n = first; n < last; n += CHUNK_STEPS<L>) {
    const int count = static_cast<int>(min(CHUNK_STEPS<L>, last - n));
    const float *x[CHUNK_STEPS<L>], *dz = d.dy + n * width;
    if (L == 1 || a.activation != Activation::linear) {
      if (a.activation == Activation::linear)
        copy(scratch, dz, count * width);
      else
        activation_gradient<L>(a.activation, count * a.M, a.y + n * width, dz, scratch);
      dz = scratch;
    }
    Prefetch no_prefetch;
    for (int i = 0; i < count; ++i) {
      x[i] = a.x + (n + i) * a.K * L;
      if (d.dx) backward_product<L, false>(w, dz + i * width, d.dx + (n + i) * a.K * L, no_prefetch);
    }
    const GradTerm x_term = {.x = x, .K = a.K, .dW = sums, .stride = a.M};
    gradient_product<L>({x_term}, dz, width, count, a.M, sums + a.K * a.M);
  }
}

// Adds a group's sums to the gradients of the weights.
inline void accumulate_dense(const Dense& a, const DenseGrad& d, const float* sums, bool first) {
  accumulate(sums, a.K * a.M, first, d.dW);
  accumulate(sums + a.K * a.M, a.M, first, d.db);
}

}  // namespace gatecast::GATECAST_ISA
