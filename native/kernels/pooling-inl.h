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
        result = a.maximum ? select(value <= result, result, value) : result + value;
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
    const vf share = set1(1.0f / static_cast<float>(window.last - window.first));
    for_each_vector<L>(a.F, [&](auto at) {
      vf rest = at.load(dy), result = at.load(x + window.first * n);
      if (a.maximum) {
        for (int64_t s = window.first + 1; s < window.last; ++s) {
          const vf value = at.load(x + s * n);
          result = select(value <= result, result, value);
        }
      }
      for (int64_t s = window.first; s < window.last; ++s) {
        float* out = dx + s * n;
        if (!a.maximum) {
          at.store(out, at.load(out) + rest * share);
          continue;
        }
        const auto here = at.load(x + s * n) == result;
        at.store(out, at.load(out) + select(here, rest, vf{}));
        rest = select(here, vf{}, rest);
      }
    });
  }
}

}  // namespace gatecast::GATECAST_ISA
