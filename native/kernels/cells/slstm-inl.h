// sLSTM: exponential gates, a normaliser n and a stabiliser m.
#pragma once

#include "kernels/step-inl.h"

namespace gatecast::GATECAST_ISA {

// i input gate, f forget gate, o output gate, g candidate. Rows of z: i, f, o, g; saved besides: s = 1 - sigmoid(z_f),
// c, n. With several heads the recurrence is block-diagonal.
struct SlstmCell {
  static constexpr int SPLIT = 4;

  // The block of Wh from a head's outputs to one gate of its units; the blocks are packed one after the other.
  static Matrix head(const Recurrent& a, const Matrix& Wh, int gate, int64_t k) {
    const int64_t D = a.H / a.heads;
    const float* packed = Wh.packed ? Wh.packed + (gate * a.heads + k) * D * D : nullptr;
    return {.W = Wh.W + gate * a.H + k * D, .K = D, .stride = Wh.stride, .M = D, .packed = packed};
  }

  template <int L>
  static void forward(const ForwardStep<L>& s) {
    const int64_t H = s.a.H, n = H * L, D = H / s.a.heads;
    float *zi = s.saved, *zf = zi + n, *zo = zi + 2 * n, *zg = zi + 3 * n, *s_f = zi + 4 * n;
    if (s.a.heads == 1 || !s.h) {
      preactivation(s, 0, s.a.b, s.h, zi);
    } else {
      input_preactivation(s, 0, s.a.b, zi);
      for (int gate = 0; gate < 4; ++gate)
        for (int64_t k = 0; k < s.a.heads; ++k) {
          const Matrix w = head(s.a, s.w.h[0], gate, k);
          forward_product<L>({Term{&w, s.h + k * D * L}}, nullptr, D, zi + (gate * H + k * D) * L);
        }
    }
    float *c_out = s.next[1], *n_out = s.next[2], *m_out = s.next[3];
    for_each_vector<L>(H, [&](auto at) {
      const vf z_i = at.load(zi), z_f = at.load(zf), n_prev = at.load(s.prev[2]), m_prev = at.load(s.prev[3]);
      const vf e = exp(select(z_f < set1(0.0f), z_f, -z_f)), one = set1(1.0f);  // e^-|z_f|
      const vf log_f = clamp(z_f, set1(-3e38f), vf{}) - log1p_unit(e);
      const vf decayed_m = log_f + m_prev;
      vf m = select(decayed_m > z_i, decayed_m, z_i);
      const vi empty = n_prev == vf{};  // the memory is empty: the first step, or every step so far was masked
      m = select(empty, z_i, m);
      const vf i = exp(z_i - m), f = select(empty, vf{}, exp(decayed_m - m)), g = tanh(at.load(zg)),
               o = sigmoid(at.load(zo));
      const vf c = f * at.load(s.prev[1]) + i * g, norm = f * n_prev + i;
      at.store(s_f, select(z_f < vf{}, one, e) / (one + e));  // 1 - sigmoid(z_f)
      at.store(zi, i);
      at.store(zf, f);
      at.store(zo, o);
      at.store(zg, g);
      at.store(c_out, c);
      at.store(n_out, norm);
      at.store(m_out, m);
      at.store(s.next[0], o * c / norm);
    });
  }

  // At fixed m, because it cancels out of h.
  template <int L>
  static void backward(const BackwardStep<L>& s) {
    const int64_t H = s.a.H, n = H * L, D = H / s.a.heads;
    const float* saved = s.saved;
    for_each_vector<L>(H, [&](auto at) {
      const vf i = at.load(saved), f = at.load(saved + n), o = at.load(saved + 2 * n), g = at.load(saved + 3 * n);
      const vf c = at.load(saved + 5 * n), norm = at.load(saved + 6 * n), dh = at.load(s.d[0]);
      const vf inverse = select(norm == vf{}, vf{}, 1.0f / norm);  // 0 where every step so far was masked
      const vf ratio = c * inverse, dratio = dh * o * inverse;
      const vf dc = at.load(s.d[1]) + dratio, dn = at.load(s.d[2]) - dratio * ratio;
      at.store(s.dz, (dc * g + dn) * i);
      at.store(s.dz + n, (dc * at.load(s.prev[1]) + dn * at.load(s.prev[2])) * f * at.load(saved + 4 * n));
      at.store(s.dz + 2 * n, dh * ratio * o * (1.0f - o));
      at.store(s.dz + 3 * n, dc * i * (1.0f - g * g));
      at.store(s.d[1], dc * f);
      at.store(s.d[2], dn * f);
      at.store(s.d[3], vf{});
    });
    if (s.a.heads == 1) return state_gradient<L, false>(s, s.w.h[0], s.dz);
    clear(s.d[0], n);
    for (int gate = 0; gate < 4; ++gate)
      for (int64_t k = 0; k < s.a.heads; ++k)
        backward_product<L, true>(head(s.a, s.w.h[0], gate, k), s.dz + (gate * H + k * D) * L, s.d[0] + k * D * L,
                                  s.prefetch);
  }
};

}  // namespace gatecast::GATECAST_ISA
