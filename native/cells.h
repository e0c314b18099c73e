// The cells: what happens in one step of one block. Equations and gradients are derived in docs/equations.md, in these
// names; the time loop, masks, zoneout and the gradients of the weights are scan.h's.
//
// A cell is forward (products, then the pointwise part: short loops over one function each, because a loop over whole
// steps keeps a unit's chain of tanh and sigmoid, some 150 cycles, in a reorder window that holds little more than
// one unit), backward (dz from the gradients of the states, then the products down to h[t-1]), and SPLIT: how many of
// its gates go into the first part of its weights. A cell with a second part says in second_gradient what that part's
// rows of dz met: the input at every item (on_x, from column SPLIT H on), and h or something in its place.
#pragma once

#include "step.h"

namespace gatecast::GATECAST_ISA {

// ---- simple recurrent network: h = tanh(Wx x + Wh h + b), or relu --------------------------------------------------

template <bool RELU>
struct RnnCell {
  static constexpr int SPLIT = 1;

  template <int L>
  static void forward(const Step<L>& s) {
    input_and_state(s, 0, s.a.b, s.h, s.next[0]);
    float* h = s.next[0];
    each<L>(s.a.H, [&](auto at) {
      const vf z = at.load(h);
      if constexpr (RELU)
        at.store(h, select(z < set1(0.0f), vf{}, z));  // NaN stays NaN
      else
        at.store(h, tanh(z));
    });
    if (s.rows.u > s.rows.activation) copy(s.kept + s.rows.activation * L, h, s.a.H * L);
  }

  template <int L>
  static void backward(const Back<L>& s) {
    const float* h = s.rows.u > s.rows.activation ? s.kept + s.rows.activation * L : s.y;
    each<L>(s.a.H, [&](auto at) {
      const vf y = at.load(h), dh = at.load(s.d[0]);
      at.store(s.dz, RELU ? select(y > set1(0.0f), dh, vf{}) : dh * (1.0f - y * y));
    });
    to_state<L, false>(s, s.w.h[0], s.dz);
  }
};

// ---- gated recurrent unit: h = z * h[t-1] + (1 - z) * g ------------------------------------------------------------

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

// ---- long short-term memory ----------------------------------------------------------------------------------------

// c = f * c[t-1] + i * g, h = o * tanh(c); COUPLED: i = 1 - f. Rows i, f, o, g (COUPLED: f, o, g); kept also c.
template <bool COUPLED>
struct LstmCell {
  static constexpr int GATES = COUPLED ? 3 : 4, SPLIT = GATES;

  template <int L>
  static void forward(const Step<L>& s) {
    const int64_t H = s.a.H;
    float* z = s.kept;
    input_and_state(s, 0, s.a.gain ? s.w.zero : s.a.b, s.h, z);
    if (s.a.gain) normalise<L>(z, H, GATES, s.a.gain, s.a.b, s.kept + s.rows.norm * L, s.kept + s.rows.deviation * L);
    if (s.a.peephole == Peephole::full) forward_product<L>({Term{&s.w.P, s.prev[1]}}, nullptr, 3 * H, z);
    float* h = s.a.Wr ? s.kept + s.rows.u * L : s.next[0];
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
  static void forward_point(const Step<L>& s, float* z, float* h) {
    const int64_t H = s.a.H, n = H * L;
    float *i = z, *f = COUPLED ? z : z + n, *o = f + n, *g = o + n;
    const float *c_prev = s.prev[1], *P = s.a.P;
    float* c = s.next[1];
    if constexpr (DIAGONAL)
      each<L>(H, [&](auto at) {
        at.store(i, at.load(i) + at.row(P) * at.load(c_prev));
        at.store(f, at.load(f) + at.row(P + H) * at.load(c_prev));
      });
    const int before_c = DIAGONAL ? GATES - 2 : GATES - 1;  // a diagonal peephole lets the output gate see c[t]
    each<L>(before_c * H, [&](auto at) { at.store(z, sigmoid(at.load(z))); });  // input, forget (and output) gate
    each<L>(H, [&](auto at) { at.store(g, tanh(at.load(g))); });                // candidate
    each<L>(H, [&](auto at) {                                                   // memory
      if constexpr (COUPLED) {
        const vf candidate = at.load(g);
        at.store(c, candidate + at.load(f) * (at.load(c_prev) - candidate));
      } else {
        at.store(c, at.load(f) * at.load(c_prev) + at.load(i) * at.load(g));
      }
    });
    if constexpr (DIAGONAL)
      each<L>(H, [&](auto at) { at.store(o, sigmoid(at.load(o) + at.row(P + 2 * H) * at.load(c))); });  // output gate
    each<L>(H, [&](auto at) { at.store(h, at.load(o) * tanh(at.load(c))); });
  }

  template <int L>
  static void backward(const Back<L>& s) {
    const int64_t H = s.a.H;
    const float* dh = s.d[0];
    if (s.a.Wr) {
      copy(s.dz + s.a.gradients() * L, s.d[0], s.a.R * L);  // dWr = u dh^T needs it
      backward_product<L, false>(s.w.Wr, s.d[0], s.work, s.ahead);
      dh = s.work;
    }
    if (s.a.peephole == Peephole::diagonal)
      backward_point<L, true>(s, dh);
    else
      backward_point<L, false>(s, dh);
    if (s.a.peephole == Peephole::full) backward_product<L, true>(s.w.P, s.dz, s.d[1], s.ahead);
    if (s.a.gain)
      normalise_backward<L>(s.dz, H, GATES, s.a.gain, s.kept + s.rows.norm * L, s.kept + s.rows.deviation * L,
                            s.lane_sums + (s.a.peephole == Peephole::diagonal ? 3 * H * L : 0));
    to_state<L, false>(s, s.w.h[0], s.dz);
  }

  template <int L, bool DIAGONAL>
  static void backward_point(const Back<L>& s, const float* dh_in) {
    const int64_t H = s.a.H, n = H * L;
    const float *ki = s.kept, *kf = COUPLED ? ki : ki + n, *ko = kf + n, *kg = ko + n, *P = s.a.P;
    float *dz_i = s.dz, *dz_f = COUPLED ? dz_i : dz_i + n, *dz_o = dz_f + n, *dz_g = dz_o + n;
    each<L>(H, [&](auto at) {
      const vf f = at.load(kf), o = at.load(ko), g = at.load(kg), c_prev = at.load(s.prev[1]);
      const vf i = COUPLED ? 1.0f - f : at.load(ki);
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
          at.store(s.lane_sums, at.load(s.lane_sums) + di * c_prev);
          at.store(s.lane_sums + n, at.load(s.lane_sums + n) + df * c_prev);
          at.store(s.lane_sums + 2 * n, at.load(s.lane_sums + 2 * n) + do_ * c);
        }
      }
      at.store(dz_f, df);
      at.store(dz_o, do_);
      at.store(dz_g, dc * i * (1.0f - g * g));
      at.store(s.d[1], dc_prev);
    });
  }
};

// ---- sLSTM: exponential gates, a normaliser n and a stabiliser m ---------------------------------------------------

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

// ---- minimal cells: gates that see x alone -------------------------------------------------------------------------

// h = (1 - z) * h[t-1] + z * g. Rows z, g.
struct MinGruCell {
  static constexpr int SPLIT = 2;

  template <int L>
  static void forward(const Step<L>& s) {
    const int64_t n = s.a.H * L;
    float *z = s.kept, *g = z + n;
    input_alone(s, 0, s.a.b, z);
    each<L>(s.a.H, [&](auto at) {
      const vf update = sigmoid(at.load(z)), h = at.load(s.prev[0]);
      at.store(z, update);
      at.store(s.next[0], h + update * (at.load(g) - h));
    });
  }

  template <int L>
  static void backward(const Back<L>& s) {
    const int64_t n = s.a.H * L;
    each<L>(s.a.H, [&](auto at) {
      const vf z = at.load(s.kept), g = at.load(s.kept + n), dh = at.load(s.d[0]);
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
  static void forward(const Step<L>& s) {
    const int64_t n = s.a.H * L;
    float *zf = s.kept, *zi = zf + n, *g = zf + 2 * n;
    input_alone(s, 0, s.a.b, zf);
    each<L>(2 * s.a.H, [&](auto at) { at.store(zf, sigmoid(at.load(zf))); });
    each<L>(s.a.H, [&](auto at) {
      const vf f = at.load(zf), i = at.load(zi), sum = f + i;
      at.store(s.next[0], (f * at.load(s.prev[0]) + i * at.load(g)) / sum);
    });
  }

  template <int L>
  static void backward(const Back<L>& s) {
    const int64_t n = s.a.H * L;
    each<L>(s.a.H, [&](auto at) {
      const vf f = at.load(s.kept), i = at.load(s.kept + n), g = at.load(s.kept + 2 * n);
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
