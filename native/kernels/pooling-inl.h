// Pooling over time: the maximum or the mean of every window, feature by feature.
#pragma once

#include "kernels/simd-inl.h"

namespace gatecast::GATECAST_ISA {

// The steps [first, last) of window t that lie inside the sequence.
struct PoolingWindow {
  int64_t first, last;

  GATECAST_INLINE PoolingWindow(const Pooling& a, int64_t t)
      : first(max(0, t * a.stride - a.before)), last(min(a.T, t * a.stride - a.before + a.size)) {}
};

// The larger of two values, the first of equal ones; NaN if one of them is: as in NumPy and PyTorch.
GATECAST_INLINE vf first_maximum(vf before, vf value) {
  return select((value <= before) | (before != before), before, value);
}

template <int L>
inline void pooling_block(const Pooling& a, const float* x, float* y) {
  const int64_t n = a.F * L;
  for (int64_t t = 0; t < a.outputs; ++t, y += n) {
    const PoolingWindow window(a, t);
    const vf share = set1(1.0f / static_cast<float>(window.last - window.first));
    for_each_vector<L>(a.F, [&](auto at) {
      vf result = at.load(x + window.first * n);
      for (int64_t s = window.first + 1; s < window.last; ++s) {
        const vf value = at.load(x + s * n);
        result = a.maximum ? first_maximum(result, value) : result + value;
      }
      at.store(y, a.maximum ? result : result * share);
    });
  }
}

// The gradient of a maximum goes to the first step that has it.
template <int L>
inline void pooling_backward_block(const Pooling& a, const float* x, const float* dy, float* dx) {
  const int64_t n = a.F * L;
  clear(dx, a.T * n);
  for (int64_t t = 0; t < a.outputs; ++t, dy += n) {
    const PoolingWindow window(a, t);
    const vf count = set1(static_cast<float>(window.last - window.first));
    for_each_vector<L>(a.F, [&](auto at) {
      vf rest = at.load(dy), result = at.load(x + window.first * n);
      if (a.maximum) {
        for (int64_t s = window.first + 1; s < window.last; ++s) {
          result = first_maximum(result, at.load(x + s * n));
        }
      }
      for (int64_t s = window.first; s < window.last; ++s) {
        float* out = dx + s * n;
        if (!a.maximum) {
          // A quotient: a product may or may not be fused with the sum, so that bits would depend on the lanes.
          at.store(out, at.load(out) + rest / count);
          continue;
        }
        const vf value = at.load(x + s * n);
        const auto here = (value == result) | (value != value);  // where there is a NaN, it is the result
        at.store(out, at.load(out) + select(here, rest, vf{}));
        rest = select(here, vf{}, rest);
      }
    });
  }
}

}  // namespace gatecast::GATECAST_ISA
