// Gated recurrent unit: h = z * h[t-1] + (1 - z) * g; z update gate, r reset gate, g candidate.
#pragma once

#include "kernels/step-inl.h"

namespace gatecast::GATECAST_ISA {

// g = tanh(Wx_g x + b_g + r * q) with q = Wh_g h + b_q (Keras' reset_after=True, PyTorch). Rows z, r, g, q.
struct GruCell {
  static constexpr int SPLIT = 2;

  template <int L>
  static void forward(const ForwardStep<L>& s) {
    const int64_t H = s.a.H, n = H * L;
    float *z = s.saved, *r = z + n, *g = z + 2 * n, *q = z + 3 * n;
    preactivation(s, 0, s.a.b, s.h, z);  // update and reset gate
    input_preactivation(s, 1, s.a.b + 2 * H, g);
    if (s.h)
      forward_product<L>({Term{&s.w.h[1], s.h}}, s.a.b + 3 * H, H, q, s.parity);
    else
      broadcast<L>(s.a.b + 3 * H, H, q);
    for_each_vector<L>(2 * H, [&](auto at) { at.store(z, sigmoid(at.load(z))); });
    for_each_vector<L>(H, [&](auto at) { at.store(g, tanh(at.load(g) + at.load(r) * at.load(q))); });  // candidate
    for_each_vector<L>(H, [&](auto at) {
      const vf candidate = at.load(g);
      at.store(s.next[0], candidate + at.load(z) * (at.load(s.prev[0]) - candidate));
    });
  }

  template <int L>
  static void backward(const BackwardStep<L>& s) {
    const int64_t H = s.a.H, n = H * L;
    const float *saved_z = s.saved, *saved_r = saved_z + n, *saved_g = saved_z + 2 * n, *saved_q = saved_z + 3 * n;
    for_each_vector<L>(H, [&](auto at) {
      const vf z = at.load(saved_z), r = at.load(saved_r), g = at.load(saved_g), q = at.load(saved_q),
               dh = at.load(s.d[0]);
      const vf dg = dh * (1.0f - z) * (1.0f - g * g);
      at.store(s.dz, dh * (at.load(s.prev[0]) - g) * z * (1.0f - z));
      at.store(s.dz + n, dg * q * r * (1.0f - r));
      at.store(s.dz + 2 * n, dg);
      at.store(s.dz + 3 * n, dg * r);
      at.store(s.d[0], dh * z);
    });
    state_gradient<L, true>(s, s.w.h[0], s.dz);
    state_gradient<L, true>(s, s.w.h[1], s.dz + 3 * n);
  }

  // The rows of g are multiplied with x, those of q with h.
  template <int L>
  static void second_part_gradient(const Recurrent& a, GradTerm x_term, GradTerm h_term, const float* const*,
                                   bool any_h, const float* dz, int64_t width, int items, float* db) {
    const int64_t H = a.H;
    x_term.dW += 2 * H;
    h_term.dW += 2 * H;
    if (!any_h) h_term.K = 0;  // q has a bias even without h
    gradient_product<L>({x_term}, dz + 2 * H * L, width, items, H, db + 2 * H);
    gradient_product<L>({h_term}, dz + 3 * H * L, width, items, H, db + 3 * H);
  }
};

// g = tanh(Wx_g x + Wh_g (r * h[t-1]) + b_g) (Cho et al. 2014, Keras' reset_after=False). Rows z, r,
// g; saved besides: r * h.
struct GruBeforeCell {
  static constexpr int SPLIT = 2;

  template <int L>
  static void forward(const ForwardStep<L>& s) {
    const int64_t H = s.a.H, n = H * L;
    float *z = s.saved, *r = z + n, *g = z + 2 * n, *rh = z + 3 * n;
    preactivation(s, 0, s.a.b, s.h, z);
    for_each_vector<L>(2 * H, [&](auto at) { at.store(z, sigmoid(at.load(z))); });
    if (s.h) {
      for_each_vector<L>(H, [&](auto at) { at.store(rh, at.load(r) * at.load(s.h)); });
      preactivation(s, 1, s.a.b + 2 * H, rh, g);
    } else {
      clear(rh, n);
      input_preactivation(s, 1, s.a.b + 2 * H, g);
    }
    for_each_vector<L>(H, [&](auto at) { at.store(g, tanh(at.load(g))); });
    for_each_vector<L>(H, [&](auto at) {
      const vf candidate = at.load(g);
      at.store(s.next[0], candidate + at.load(z) * (at.load(s.prev[0]) - candidate));
    });
  }

  template <int L>
  static void backward(const BackwardStep<L>& s) {
    const int64_t H = s.a.H, n = H * L;
    const float *saved_z = s.saved, *saved_r = saved_z + n, *saved_g = saved_z + 2 * n, *saved_rh = saved_z + 3 * n;
    float* drh = s.work + n;
    for_each_vector<L>(H, [&](auto at) {
      const vf z = at.load(saved_z), g = at.load(saved_g), dh = at.load(s.d[0]);
      at.store(s.dz, dh * (at.load(s.prev[0]) - g) * z * (1.0f - z));
      at.store(s.dz + 2 * n, dh * (1.0f - z) * (1.0f - g * g));
      at.store(s.d[0], dh * z);
    });
    backward_product<L, false>(s.w.h[1], s.dz + 2 * n, drh, s.prefetch);
    for_each_vector<L>(H, [&](auto at) {
      const vf r = at.load(saved_r), d = at.load(drh);
      vf dh = d * r;
      if (s.drop) dh *= at.load(s.drop);
      at.store(s.dz + n, d * at.load(saved_rh) * (1.0f - r));  // d * h * r * (1 - r), and r * h is saved
      at.store(s.d[0], at.load(s.d[0]) + dh);
    });
    state_gradient<L, true>(s, s.w.h[0], s.dz);
  }

  // The rows of g are multiplied with x and with r * h.
  template <int L>
  static void second_part_gradient(const Recurrent& a, GradTerm x_term, GradTerm h_term, const float* const* saved,
                                   bool, const float* dz, int64_t width, int items, float* db) {
    const int64_t H = a.H;
    const float* rh[CHUNK_STEPS<L>];
    for (int i = 0; i < items; ++i) rh[i] = saved[i] + 3 * H * L;
    x_term.dW += 2 * H;
    h_term.dW += 2 * H;
    h_term.x = rh;
    gradient_product<L>({x_term, h_term}, dz + 2 * H * L, width, items, H, db + 2 * H);
  }
};

}  // namespace gatecast::GATECAST_ISA
