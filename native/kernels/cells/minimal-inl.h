// Minimal cells: gates that see x alone.
#pragma once

#include "kernels/step-inl.h"

namespace gatecast::GATECAST_ISA {

// h = (1 - z) * h[t-1] + z * g. Rows z, g.
struct MinGruCell {
  static constexpr int SPLIT = 2;

  template <int L>
  static void forward(const ForwardStep<L>& s) {
    const int64_t n = s.a.H * L;
    float *z = s.saved, *g = z + n;
    input_preactivation(s, 0, s.a.b, z);
    for_each_vector<L>(s.a.H, [&](auto at) {
      const vf update = sigmoid(at.load(z)), h = at.load(s.prev[0]);
      at.store(z, update);
      at.store(s.next[0], h + update * (at.load(g) - h));
    });
  }

  template <int L>
  static void backward(const BackwardStep<L>& s) {
    const int64_t n = s.a.H * L;
    for_each_vector<L>(s.a.H, [&](auto at) {
      const vf z = at.load(s.saved), g = at.load(s.saved + n), dh = at.load(s.d[0]);
      at.store(s.dz, dh * (g - at.load(s.prev[0])) * z * (1.0f - z));
      at.store(s.dz + n, dh * z);
      at.store(s.d[0], dh * (1.0f - z));
    });
  }
};

// h = (f * h[t-1] + i * g) / (f + i). Rows f, i, g.
struct MinLstmCell {
  static constexpr int SPLIT = 3;

  template <int L>
  static void forward(const ForwardStep<L>& s) {
    const int64_t n = s.a.H * L;
    float *zf = s.saved, *zi = zf + n, *g = zf + 2 * n;
    input_preactivation(s, 0, s.a.b, zf);
    for_each_vector<L>(2 * s.a.H, [&](auto at) { at.store(zf, sigmoid(at.load(zf))); });
    for_each_vector<L>(s.a.H, [&](auto at) {
      const vf f = at.load(zf), i = at.load(zi), sum = f + i;
      at.store(s.next[0], (f * at.load(s.prev[0]) + i * at.load(g)) / sum);
    });
  }

  template <int L>
  static void backward(const BackwardStep<L>& s) {
    const int64_t n = s.a.H * L;
    for_each_vector<L>(s.a.H, [&](auto at) {
      const vf f = at.load(s.saved), i = at.load(s.saved + n), g = at.load(s.saved + 2 * n);
      const vf dh = at.load(s.d[0]), inverse = 1.0f / (f + i);
      const vf change = dh * (at.load(s.prev[0]) - g) * f * i * inverse * inverse;
      at.store(s.dz, change * (1.0f - f));
      at.store(s.dz + n, -change * (1.0f - i));
      at.store(s.dz + 2 * n, dh * i * inverse);
      at.store(s.d[0], dh * f * inverse);
    });
  }
};

}  // namespace gatecast::GATECAST_ISA
