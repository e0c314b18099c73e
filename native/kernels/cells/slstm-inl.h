// sLSTM: exponential gates, a normaliser n and a stabiliser m.
#pragma once

#include "kernels/step-inl.h"

namespace gatecast::GATECAST_ISA {

// Rows i, f, o, g; kept also 1 - sigmoid(z_f), c, n. With several heads the recurrence is block-diagonal.
struct SlstmCell {
  static constexpr int SPLIT = 4;

  // The block of Wh that leads from a head's outputs to one gate of its units; packed one after the other.
  static Matrix head(const Recurrent& a, const Matrix& Wh, int gate, int64_t k) {
    const int64_t D = a.H / a.heads;
    return {Wh.W + gate * a.H + k * D, D, Wh.stride, D, Wh.packed ? Wh.packed + (gate * a.heads + k) * D * D : nullptr};
  }

  template <int L>
  static void forward(const Step<L>& s) {
    const int64_t H = s.a.H, n = H * L, D = H / s.a.heads;
    float *zi = s.kept, *zf = zi + n, *zo = zi + 2 * n, *zg = zi + 3 * n, *off = zi + 4 * n;
    if (s.a.heads == 1 || !s.h) {
      input_and_state(s, 0, s.a.b, s.h, zi);
    } else {
      input_alone(s, 0, s.a.b, zi);
      for (int gate = 0; gate < 4; ++gate)
        for (int64_t k = 0; k < s.a.heads; ++k) {
          const Matrix w = head(s.a, s.w.h[0], gate, k);
          forward_product<L>({Term{&w, s.h + k * D * L}}, nullptr, D, zi + (gate * H + k * D) * L);
        }
    }
    float *c_out = s.next[1], *n_out = s.next[2], *m_out = s.next[3];
    each<L>(H, [&](auto at) {
      const vf z_i = at.load(zi), z_f = at.load(zf), n_prev = at.load(s.prev[2]), m_prev = at.load(s.prev[3]);
      const vf e = exp(select(z_f < set1(0.0f), z_f, -z_f)), one = set1(1.0f);  // e^-|z_f|
      const vf log_f = clamp(z_f, set1(-3e38f), vf{}) - log1p_unit(e);
      const vf kept_m = log_f + m_prev;
      vf m = select(kept_m > z_i, kept_m, z_i);
      const vi fresh = n_prev == vf{};  // nothing is remembered yet
      m = select(fresh, z_i, m);
      const vf i = exp(z_i - m), f = select(fresh, vf{}, exp(kept_m - m)), g = tanh(at.load(zg)),
               o = sigmoid(at.load(zo));
      const vf c = f * at.load(s.prev[1]) + i * g, norm = f * n_prev + i;
      at.store(off, select(z_f < vf{}, one, e) / (one + e));  // 1 - sigmoid(z_f)
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

  // At fixed m: it cancels out of h.
  template <int L>
  static void backward(const Back<L>& s) {
    const int64_t H = s.a.H, n = H * L, D = H / s.a.heads;
    const float* kept = s.kept;
    each<L>(H, [&](auto at) {
      const vf i = at.load(kept), f = at.load(kept + n), o = at.load(kept + 2 * n), g = at.load(kept + 3 * n);
      const vf c = at.load(kept + 5 * n), norm = at.load(kept + 6 * n), dh = at.load(s.d[0]);
      const vf inverse = select(norm == vf{}, vf{}, 1.0f / norm);  // 0 where every step so far was skipped
      const vf ratio = c * inverse, dratio = dh * o * inverse;
      const vf dc = at.load(s.d[1]) + dratio, dn = at.load(s.d[2]) - dratio * ratio;
      at.store(s.dz, (dc * g + dn) * i);
      at.store(s.dz + n, (dc * at.load(s.prev[1]) + dn * at.load(s.prev[2])) * f * at.load(kept + 4 * n));
      at.store(s.dz + 2 * n, dh * ratio * o * (1.0f - o));
      at.store(s.dz + 3 * n, dc * i * (1.0f - g * g));
      at.store(s.d[1], dc * f);
      at.store(s.d[2], dn * f);
      at.store(s.d[3], vf{});
    });
    if (s.a.heads == 1) return to_state<L, false>(s, s.w.h[0], s.dz);
    clear(s.d[0], n);
    for (int gate = 0; gate < 4; ++gate)
      for (int64_t k = 0; k < s.a.heads; ++k)
        backward_product<L, true>(head(s.a, s.w.h[0], gate, k), s.dz + (gate * H + k * D) * L, s.d[0] + k * D * L,
                                  s.ahead);
  }
};

}  // namespace gatecast::GATECAST_ISA
