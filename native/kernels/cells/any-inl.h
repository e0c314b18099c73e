// The cells of Keras with any activations. The usual ones, tanh and sigmoid, have cells of their own, whose loops know
// their functions; here every function is a loop of its own, and z, the gates before their activation, is saved besides
// their values because the slope of some functions needs it.
#pragma once

#include "kernels/activations-inl.h"
#include "kernels/cells/gru-inl.h"

namespace gatecast::GATECAST_ISA {

// h = f(Wx x + Wh h[t-1] + b). Row z.
struct RnnAnyCell {
  static constexpr int SPLIT = 1;

  template <int L>
  static void forward(const ForwardStep<L>& s) {
    preactivation(s, 0, s.a.b, s.h, s.saved);
    copy(s.next[0], s.saved, s.a.H * L);
    activate<L>(s.a.activation, s.a.H, s.next[0]);
  }

  template <int L>
  static void backward(const BackwardStep<L>& s) {
    copy(s.dz, s.saved, s.a.H * L);
    activate<L>(s.a.activation, s.a.H, s.dz);
    activation_slope<L>(s.a.activation, s.a.H, s.saved, s.dz, s.dz);
    for_each_vector<L>(s.a.H, [&](auto at) { at.store(s.dz, at.load(s.dz) * at.load(s.d[0])); });
    state_gradient<L, false>(s, s.w.h[0], s.dz);
  }
};

// c = f * c[t-1] + i * g, h = o * activation(c). Rows i, f, o, g, their z; saved besides: c.
struct LstmAnyCell {
  static constexpr int SPLIT = 4;

  template <int L>
  static void forward(const ForwardStep<L>& s) {
    const int64_t H = s.a.H, n = H * L;
    float *i = s.saved, *f = i + n, *o = f + n, *g = o + n, *z = g + n, *c = s.next[1], *h = s.next[0];
    preactivation(s, 0, s.a.b, s.h, z);
    copy(i, z, 4 * n);
    activate<L>(s.a.recurrent_activation, 3 * H, i);
    activate<L>(s.a.activation, H, g);
    for_each_vector<L>(H, [&](auto at) {
      at.store(c, at.load(f) * at.load(s.prev[1]) + at.load(i) * at.load(g));
      at.store(h, at.load(c));
    });
    activate<L>(s.a.activation, H, h);
    for_each_vector<L>(H, [&](auto at) { at.store(h, at.load(o) * at.load(h)); });
  }

  template <int L>
  static void backward(const BackwardStep<L>& s) {
    const int64_t H = s.a.H, n = H * L;
    const float *i = s.saved, *f = i + n, *o = f + n, *g = o + n, *z = g + n;
    float *dz_i = s.dz, *dz_f = dz_i + n, *dz_o = dz_f + n, *dz_g = dz_o + n, *slope_c = s.work, *value = s.work + n;
    activation_slope<L>(s.a.recurrent_activation, 3 * H, z, i, dz_i);
    activation_slope<L>(s.a.activation, H, z + 3 * n, g, dz_g);
    for_each_vector<L>(H, [&](auto at) {  // c as the step made it: what is saved may have been masked
      const vf c = at.load(f) * at.load(s.prev[1]) + at.load(i) * at.load(g);
      at.store(slope_c, c);
      at.store(value, c);
    });
    activate<L>(s.a.activation, H, value);
    activation_slope<L>(s.a.activation, H, slope_c, value, slope_c);
    for_each_vector<L>(H, [&](auto at) {
      const vf dh = at.load(s.d[0]), dc = at.load(s.d[1]) + dh * at.load(o) * at.load(slope_c);
      at.store(dz_i, at.load(dz_i) * dc * at.load(g));
      at.store(dz_f, at.load(dz_f) * dc * at.load(s.prev[1]));
      at.store(dz_o, at.load(dz_o) * dh * at.load(value));
      at.store(dz_g, at.load(dz_g) * dc * at.load(i));
      at.store(s.d[1], dc * at.load(f));
    });
    state_gradient<L, false>(s, s.w.h[0], s.dz);
  }
};

// As GruCell. Rows z, r, g, q, and the z of the first three.
struct GruAnyCell : GruCell {
  template <int L>
  static void forward(const ForwardStep<L>& s) {
    const int64_t H = s.a.H, n = H * L;
    float *z = s.saved, *r = z + n, *g = z + 2 * n, *q = z + 3 * n, *before = z + 4 * n, *before_g = before + 2 * n;
    preactivation(s, 0, s.a.b, s.h, before);
    input_preactivation(s, 1, s.a.b + 2 * H, before_g);
    if (s.h)
      forward_product<L>({Term{&s.w.h[1], s.h}}, s.a.b + 3 * H, H, q, s.parity);
    else
      broadcast<L>(s.a.b + 3 * H, H, q);
    copy(z, before, 2 * n);
    activate<L>(s.a.recurrent_activation, 2 * H, z);
    for_each_vector<L>(H, [&](auto at) {
      at.store(before_g, at.load(before_g) + at.load(r) * at.load(q));
      at.store(g, at.load(before_g));
    });
    activate<L>(s.a.activation, H, g);
    for_each_vector<L>(H, [&](auto at) {
      const vf candidate = at.load(g);
      at.store(s.next[0], candidate + at.load(z) * (at.load(s.prev[0]) - candidate));
    });
  }

  template <int L>
  static void backward(const BackwardStep<L>& s) {
    const int64_t H = s.a.H, n = H * L;
    const float *saved_z = s.saved, *saved_r = saved_z + n, *saved_g = saved_z + 2 * n, *saved_q = saved_z + 3 * n,
                *before = saved_z + 4 * n;
    activation_slope<L>(s.a.recurrent_activation, 2 * H, before, saved_z, s.dz);
    activation_slope<L>(s.a.activation, H, before + 2 * n, saved_g, s.dz + 2 * n);
    for_each_vector<L>(H, [&](auto at) {
      const vf z = at.load(saved_z), r = at.load(saved_r), dh = at.load(s.d[0]);
      const vf dg = dh * (1.0f - z) * at.load(s.dz + 2 * n);
      at.store(s.dz, at.load(s.dz) * dh * (at.load(s.prev[0]) - at.load(saved_g)));
      at.store(s.dz + n, at.load(s.dz + n) * dg * at.load(saved_q));
      at.store(s.dz + 2 * n, dg);
      at.store(s.dz + 3 * n, dg * r);
      at.store(s.d[0], dh * z);
    });
    state_gradient<L, true>(s, s.w.h[0], s.dz);
    state_gradient<L, true>(s, s.w.h[1], s.dz + 3 * n);
  }
};

// As GruBeforeCell. Rows z, r, g; saved besides: r * h, and the z of the first three.
struct GruBeforeAnyCell : GruBeforeCell {
  template <int L>
  static void forward(const ForwardStep<L>& s) {
    const int64_t H = s.a.H, n = H * L;
    float *z = s.saved, *r = z + n, *g = z + 2 * n, *rh = z + 3 * n, *before = z + 4 * n, *before_g = before + 2 * n;
    preactivation(s, 0, s.a.b, s.h, before);
    copy(z, before, 2 * n);
    activate<L>(s.a.recurrent_activation, 2 * H, z);
    if (s.h) {
      for_each_vector<L>(H, [&](auto at) { at.store(rh, at.load(r) * at.load(s.h)); });
      preactivation(s, 1, s.a.b + 2 * H, rh, before_g);
    } else {
      clear(rh, n);
      input_preactivation(s, 1, s.a.b + 2 * H, before_g);
    }
    copy(g, before_g, n);
    activate<L>(s.a.activation, H, g);
    for_each_vector<L>(H, [&](auto at) {
      const vf candidate = at.load(g);
      at.store(s.next[0], candidate + at.load(z) * (at.load(s.prev[0]) - candidate));
    });
  }

  template <int L>
  static void backward(const BackwardStep<L>& s) {
    const int64_t H = s.a.H, n = H * L;
    const float *saved_z = s.saved, *saved_r = saved_z + n, *saved_g = saved_z + 2 * n, *before = saved_z + 4 * n;
    float* drh = s.work + n;
    activation_slope<L>(s.a.recurrent_activation, 2 * H, before, saved_z, s.dz);
    activation_slope<L>(s.a.activation, H, before + 2 * n, saved_g, s.dz + 2 * n);
    for_each_vector<L>(H, [&](auto at) {
      const vf z = at.load(saved_z), dh = at.load(s.d[0]);
      at.store(s.dz, at.load(s.dz) * dh * (at.load(s.prev[0]) - at.load(saved_g)));
      at.store(s.dz + 2 * n, at.load(s.dz + 2 * n) * dh * (1.0f - z));
      at.store(s.d[0], dh * z);
    });
    backward_product<L, false>(s.w.h[1], s.dz + 2 * n, drh, s.prefetch);
    for_each_vector<L>(H, [&](auto at) {
      const vf d = at.load(drh);
      vf dh = d * at.load(saved_r);
      vf h = s.h ? at.load(s.h) : vf{};
      if (s.drop) dh *= at.load(s.drop);
      at.store(s.dz + n, at.load(s.dz + n) * d * h);
      at.store(s.d[0], at.load(s.d[0]) + dh);
    });
    state_gradient<L, true>(s, s.w.h[0], s.dz);
  }
};

}  // namespace gatecast::GATECAST_ISA
