// Simple recurrent network: h = tanh(Wx x + Wh h[t-1] + b), or relu.
#pragma once

#include "kernels/step-inl.h"

namespace gatecast::GATECAST_ISA {

template <bool RELU>
struct RnnCell {
  static constexpr int SPLIT = 1;

  template <int L>
  static void forward(const ForwardStep<L>& s) {
    preactivation(s, 0, s.a.b, s.h, s.next[0]);
    float* h = s.next[0];
    for_each_vector<L>(s.a.H, [&](auto at) {
      const vf z = at.load(h);
      if constexpr (RELU)
        at.store(h, select(z < set1(0.0f), vf{}, z));  // NaN stays NaN
      else
        at.store(h, tanh(z));
    });
    if (!s.rows.activation.empty()) copy(s.rows.activation.in(s.saved), h, s.a.H * L);
  }

  template <int L>
  static void backward(const BackwardStep<L>& s) {
    const float* h = s.rows.activation.empty() ? s.y : s.rows.activation.in(s.saved);
    for_each_vector<L>(s.a.H, [&](auto at) {
      const vf y = at.load(h), dh = at.load(s.d[0]);
      at.store(s.dz, RELU ? select(y > set1(0.0f), dh, vf{}) : dh * (1.0f - y * y));
    });
    state_gradient<L, false>(s, s.w.h[0], s.dz);
  }
};

}  // namespace gatecast::GATECAST_ISA
