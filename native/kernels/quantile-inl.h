// The quantile head, whose outputs cannot cross (defined in gatecast.heads). Every pass reads and writes each number
// once.
//
// Notation: an item is a step of a block, K target values of it, Q numbers each, L lanes; q quantiles.
#pragma once

#include "kernels/targets-inl.h"

namespace gatecast::GATECAST_ISA {

// q[mid] = r[mid], then positive(r) away from it, up and down.

// positive(r) = exp(min(r, 0)) + max(r, 0), and its slope exp(min(r, 0)); NaN stays NaN.
GATECAST_INLINE vf positive_slope(vf r) {
  return exp(clamp(r, set1(-__builtin_inff()), vf{}));
}
GATECAST_INLINE vf positive(vf r) {
  return positive_slope(r) + clamp(r, vf{}, set1(__builtin_inff()));
}

template <int L>
inline void quantiles_forward_items(const Quantiles& a, int64_t first, int64_t last, const float* x, float* y) {
  const int64_t K = a.K, Q = a.Q, mid = Q / 2;  // local copies: a store might alias the members
  for (int64_t n = first; n < last; ++n) {
    const float* r = x + n * K * Q * L;
    float* q = y + n * K * Q * L;
    for_each_target<L>(K, [&](auto at) {
      vf above = at.load(r, Q, mid), below = above;
      at.store(q, Q, mid, above);
      for (int64_t i = mid + 1; i < Q; ++i) at.store(q, Q, i, above += positive(at.load(r, Q, i)));
      for (int64_t i = mid - 1; i >= 0; --i) at.store(q, Q, i, below -= positive(at.load(r, Q, i)));
    });
  }
}

// A distance moves all quantiles beyond it, the middle moves all of them. The slopes are recomputed from the layer's
// input, which is saved anyway: that costs less than writing and reading them.
template <int L>
inline void quantiles_backward_items(const Quantiles& a, int64_t first, int64_t last, const float* x, const float* dy,
                                     float* dx) {
  const int64_t K = a.K, Q = a.Q, mid = Q / 2;
  for (int64_t n = first; n < last; ++n) {
    const float *r = x + n * K * Q * L, *dq = dy + n * K * Q * L;
    float* dr = dx + n * K * Q * L;
    for_each_target<L>(K, [&](auto at) {
      vf above = {}, below = {};
      for (int64_t i = Q - 1; i > mid; --i) {
        above += at.load(dq, Q, i);
        at.store(dr, Q, i, above * positive_slope(at.load(r, Q, i)));
      }
      for (int64_t i = 0; i < mid; ++i) {
        below += at.load(dq, Q, i);
        at.store(dr, Q, i, -below * positive_slope(at.load(r, Q, i)));
      }
      at.store(dr, Q, mid, at.load(dq, Q, mid) + above + below);
    });
  }
}

}  // namespace gatecast::GATECAST_ISA
