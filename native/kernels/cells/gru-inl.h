// Gated recurrent unit: h = z * h[t-1] + (1 - z) * g; z update gate, r reset gate, g candidate.
#pragma once

#include "kernels/step-inl.h"

namespace gatecast::GATECAST_ISA {

// g = tanh(Wx_g x + b_g + r * q) with q = Wh_g h + b_q (Keras' reset_after=True, PyTorch). Rows z, r, g, q.
struct GruCell {
  static constexpr int SPLIT = 2;

  template <int L>
  static void forward(const Step<L>& s) {
    const int64_t H = s.a.H, n = H * L;
    float *z = s.kept, *r = z + n, *g = z + 2 * n, *q = z + 3 * n;
    input_and_state(s, 0, s.a.b, s.h, z);  // update and reset gate
    input_alone(s, 1, s.a.b + 2 * H, g);
    if (s.h)
      forward_product<L>({Term{&s.w.h[1], s.h}}, s.a.b + 3 * H, H, q, s.odd);
    else
      broadcast<L>(s.a.b + 3 * H, H, q);
    each<L>(2 * H, [&](auto at) { at.store(z, sigmoid(at.load(z))); });
    each<L>(H, [&](auto at) { at.store(g, tanh(at.load(g) + at.load(r) * at.load(q))); });  // candidate
    each<L>(H, [&](auto at) {
      const vf candidate = at.load(g);
      at.store(s.next[0], candidate + at.load(z) * (at.load(s.prev[0]) - candidate));
    });
  }

  template <int L>
  static void backward(const Back<L>& s) {
    const int64_t H = s.a.H, n = H * L;
    const float *kz = s.kept, *kr = kz + n, *kg = kz + 2 * n, *kq = kz + 3 * n;
    each<L>(H, [&](auto at) {
      const vf z = at.load(kz), r = at.load(kr), g = at.load(kg), q = at.load(kq), dh = at.load(s.d[0]);
      const vf dg = dh * (1.0f - z) * (1.0f - g * g);
      at.store(s.dz, dh * (at.load(s.prev[0]) - g) * z * (1.0f - z));
      at.store(s.dz + n, dg * q * r * (1.0f - r));
      at.store(s.dz + 2 * n, dg);
      at.store(s.dz + 3 * n, dg * r);
      at.store(s.d[0], dh * z);
    });
    to_state<L, true>(s, s.w.h[0], s.dz);
    to_state<L, true>(s, s.w.h[1], s.dz + 3 * n);
  }

  // g's rows met x, q's met h.
  template <int L>
  static void second_gradient(const Recurrent& a, GradTerm on_x, GradTerm on_h, const float* const*, bool any_h,
                              const float* dz, int64_t width, int items, float* db) {
    const int64_t H = a.H;
    on_x.dW += 2 * H;
    on_h.dW += 2 * H;
    if (!any_h) on_h.K = 0;  // the bias of q is there all the same
    gradient_product<L>({on_x}, dz + 2 * H * L, width, items, H, db + 2 * H);
    gradient_product<L>({on_h}, dz + 3 * H * L, width, items, H, db + 3 * H);
  }
};

// g = tanh(Wx_g x + Wh_g (r * h[t-1]) + b_g) (Cho et al. 2014, Keras' reset_after=False). Rows z, r, g; kept also r *
// h.
struct GruBeforeCell {
  static constexpr int SPLIT = 2;

  template <int L>
  static void forward(const Step<L>& s) {
    const int64_t H = s.a.H, n = H * L;
    float *z = s.kept, *r = z + n, *g = z + 2 * n, *rh = z + 3 * n;
    input_and_state(s, 0, s.a.b, s.h, z);
    each<L>(2 * H, [&](auto at) { at.store(z, sigmoid(at.load(z))); });
    if (s.h) {
      each<L>(H, [&](auto at) { at.store(rh, at.load(r) * at.load(s.h)); });
      input_and_state(s, 1, s.a.b + 2 * H, rh, g);
    } else {
      clear(rh, n);
      input_alone(s, 1, s.a.b + 2 * H, g);
    }
    each<L>(H, [&](auto at) { at.store(g, tanh(at.load(g))); });
    each<L>(H, [&](auto at) {
      const vf candidate = at.load(g);
      at.store(s.next[0], candidate + at.load(z) * (at.load(s.prev[0]) - candidate));
    });
  }

  template <int L>
  static void backward(const Back<L>& s) {
    const int64_t H = s.a.H, n = H * L;
    const float *kz = s.kept, *kr = kz + n, *kg = kz + 2 * n, *krh = kz + 3 * n;
    float* drh = s.work + n;
    each<L>(H, [&](auto at) {
      const vf z = at.load(kz), g = at.load(kg), dh = at.load(s.d[0]);
      at.store(s.dz, dh * (at.load(s.prev[0]) - g) * z * (1.0f - z));
      at.store(s.dz + 2 * n, dh * (1.0f - z) * (1.0f - g * g));
      at.store(s.d[0], dh * z);
    });
    backward_product<L, false>(s.w.h[1], s.dz + 2 * n, drh, s.ahead);
    each<L>(H, [&](auto at) {
      const vf r = at.load(kr), d = at.load(drh);
      vf dh = d * r;
      if (s.drop) dh *= at.load(s.drop);
      at.store(s.dz + n, d * at.load(krh) * (1.0f - r));  // d * h * r * (1 - r), and r * h is kept
      at.store(s.d[0], at.load(s.d[0]) + dh);
    });
    to_state<L, true>(s, s.w.h[0], s.dz);
  }

  // g's rows met x and r * h.
  template <int L>
  static void second_gradient(const Recurrent& a, GradTerm on_x, GradTerm on_h, const float* const* kept, bool,
                              const float* dz, int64_t width, int items, float* db) {
    const int64_t H = a.H;
    const float* rh[CHUNK<L>];
    for (int i = 0; i < items; ++i) rh[i] = kept[i] + 3 * H * L;
    on_x.dW += 2 * H;
    on_h.dW += 2 * H;
    on_h.x = rh;
    gradient_product<L>({on_x, on_h}, dz + 2 * H * L, width, items, H, db + 2 * H);
  }
};

}  // namespace gatecast::GATECAST_ISA
