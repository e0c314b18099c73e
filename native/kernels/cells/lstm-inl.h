// Long short-term memory: i input gate, f forget gate, o output gate, g candidate, c memory. z are the gates before
// their activation; equations.py has the same equations in the same names.
#pragma once

#include "kernels/step-inl.h"

namespace gatecast::GATECAST_ISA {

// c = f * c[t-1] + i * g, h = o * tanh(c); COUPLED: i = 1 - f. Rows i, f, o, g (COUPLED: f, o, g);
// saved besides: c.
template <bool COUPLED>
struct LstmCell {
  static constexpr int GATES = COUPLED ? 3 : 4, SPLIT = GATES;

  template <int L>
  static void forward(const ForwardStep<L>& s) {
    const int64_t H = s.a.H;
    float* z = s.saved;
    preactivation(s, 0, s.a.gain ? s.w.zero : s.a.b, s.h, z);
    if (s.a.gain) layer_norm<L>(z, H, GATES, s.a.gain, s.a.b, s.rows.norm.in(s.saved), s.rows.rate.in(s.saved));
    if (s.a.peephole == Peephole::full) forward_product<L>({Term{&s.w.P, s.prev[1]}}, nullptr, 3 * H, z);
    float* h = s.a.Wr ? s.rows.u.in(s.saved) : s.next[0];
    if (s.a.peephole == Peephole::diagonal)
      forward_point<L, true>(s, z, h);
    else
      forward_point<L, false>(s, z, h);
    if (s.a.Wr) {
      broadcast<L>(s.w.zero, s.a.R, s.next[0]);
      forward_product<L>({Term{&s.w.Wr, h}}, nullptr, s.a.R, s.next[0]);
    }
  }

  template <int L, bool DIAGONAL>
  static void forward_point(const ForwardStep<L>& s, float* z, float* h) {
    const int64_t H = s.a.H, n = H * L;
    float *i = z, *f = COUPLED ? z : z + n, *o = f + n, *g = o + n;
    const float *c_prev = s.prev[1], *P = s.a.P;
    float* c = s.next[1];
    if constexpr (DIAGONAL)
      for_each_vector<L>(H, [&](auto at) {
        at.store(i, at.load(i) + at.row(P) * at.load(c_prev));
        at.store(f, at.load(f) + at.row(P + H) * at.load(c_prev));
      });
    // i = sigmoid(z_i): input gate; f = sigmoid(z_f): forget gate; o = sigmoid(z_o): output gate. Their rows are
    // neighbours, so one loop serves them all. With a diagonal peephole o comes later: it sees c[t].
    const int before_c = DIAGONAL ? GATES - 2 : GATES - 1;
    for_each_vector<L>(before_c * H, [&](auto at) { at.store(z, sigmoid(at.load(z))); });
    for_each_vector<L>(H, [&](auto at) { at.store(g, tanh(at.load(g))); });  // g = tanh(z_g): candidate
    for_each_vector<L>(H, [&](auto at) {                                     // c = f * c_prev + i * g: memory
      if constexpr (COUPLED) {
        const vf candidate = at.load(g);
        at.store(c, candidate + at.load(f) * (at.load(c_prev) - candidate));
      } else {
        at.store(c, at.load(f) * at.load(c_prev) + at.load(i) * at.load(g));
      }
    });
    if constexpr (DIAGONAL)
      for_each_vector<L>(
          H, [&](auto at) { at.store(o, sigmoid(at.load(o) + at.row(P + 2 * H) * at.load(c))); });  // output gate
    for_each_vector<L>(H, [&](auto at) { at.store(h, at.load(o) * tanh(at.load(c))); });
  }

  template <int L>
  static void backward(const BackwardStep<L>& s) {
    const int64_t H = s.a.H;
    const float* dh = s.d[0];
    if (s.a.Wr) {
      copy(s.dz + s.a.gradients() * L, s.d[0], s.a.R * L);  // dWr = u dh^T needs it
      backward_product<L, false>(s.w.Wr, s.d[0], s.work, s.prefetch);
      dh = s.work;
    }
    if (s.a.peephole == Peephole::diagonal)
      backward_point<L, true>(s, dh);
    else
      backward_point<L, false>(s, dh);
    if (s.a.peephole == Peephole::full) backward_product<L, true>(s.w.P, s.dz, s.d[1], s.prefetch);
    if (s.a.gain)
      layer_norm_backward<L>(s.dz, H, GATES, s.a.gain, s.rows.norm.in(s.saved), s.rows.rate.in(s.saved), s.lane_dgain,
                             s.lane_db);
    state_gradient<L, false>(s, s.w.h[0], s.dz);
  }

  template <int L, bool DIAGONAL>
  static void backward_point(const BackwardStep<L>& s, const float* dh_in) {
    const int64_t H = s.a.H, n = H * L;
    const float *saved_i = s.saved, *saved_f = COUPLED ? saved_i : saved_i + n, *saved_o = saved_f + n,
                *saved_g = saved_o + n, *P = s.a.P;
    float *dz_i = s.dz, *dz_f = COUPLED ? dz_i : dz_i + n, *dz_o = dz_f + n, *dz_g = dz_o + n;
    for_each_vector<L>(H, [&](auto at) {
      const vf f = at.load(saved_f), o = at.load(saved_o), g = at.load(saved_g), c_prev = at.load(s.prev[1]);
      const vf i = COUPLED ? 1.0f - f : at.load(saved_i);
      const vf c = COUPLED ? g + f * (c_prev - g) : f * c_prev + i * g, tanh_c = tanh(c);
      const vf dh = at.load(dh_in), do_ = dh * tanh_c * o * (1.0f - o);
      vf dc = at.load(s.d[1]) + dh * o * (1.0f - tanh_c * tanh_c);
      if constexpr (DIAGONAL) dc += at.row(P + 2 * H) * do_;
      const vf df = dc * (COUPLED ? c_prev - g : c_prev) * f * (1.0f - f);
      vf dc_prev = dc * f;
      if constexpr (!COUPLED) {
        const vf di = dc * g * i * (1.0f - i);
        at.store(dz_i, di);
        if constexpr (DIAGONAL) {
          dc_prev += at.row(P) * di + at.row(P + H) * df;
          at.store(s.lane_dP, at.load(s.lane_dP) + di * c_prev);
          at.store(s.lane_dP + n, at.load(s.lane_dP + n) + df * c_prev);
          at.store(s.lane_dP + 2 * n, at.load(s.lane_dP + 2 * n) + do_ * c);
        }
      }
      at.store(dz_f, df);
      at.store(dz_o, do_);
      at.store(dz_g, dc * i * (1.0f - g * g));
      at.store(s.d[1], dc_prev);
    });
  }
};

}  // namespace gatecast::GATECAST_ISA
