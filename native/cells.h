// The pointwise half of a recurrent cell: what happens to one step of one block once the matrix products are done.
// Equations and gradients are derived in docs/equations.md, in these names.
#pragma once

#include "simd.h"

namespace gatecast::GATECAST_ISA {

// One step of an LSTM. Arrays are (H, lane); z and dz are (4H, lane) in the order i, f, o, g.
struct LstmStep {
  int64_t H;
  Peephole peephole;
  const float* P;       // (3H) when peephole is diagonal
  const float* mask;    // (lane) or null
  const float* c_prev;  // c[t-1]
  const float* h_prev;  // h[t-1]: read only where the mask is 0
};

// z becomes i, f, o, g; c and h are written (they may be c_prev and h_prev).
//
// In short loops, each over one function: a loop over whole steps keeps a unit's chain of two tanh and three sigmoid,
// some 150 cycles, in a reorder window that holds little more than one unit; these keep a dozen chains in flight.
// Measured on Zen 3, three layers of 50 units, batch 32, 24 steps, one thread: 1.15 ms in one loop, 1.10 ms in these.
template <bool DIAGONAL, bool MASKED>
GATECAST_INLINE void lstm_forward_step(const LstmStep& s, float* z, float* c_out, float* h_out) {
  const int64_t n = s.H * LANES;
  float *i = z, *f = z + n, *o = z + 2 * n, *g = z + 3 * n;
  if constexpr (DIAGONAL) {
    for (int64_t at = 0; at < n; at += VL) {
      const vf c_prev = load(s.c_prev + at);
      store(i + at, load(i + at) + s.P[at / LANES] * c_prev);
      store(f + at, load(f + at) + s.P[s.H + at / LANES] * c_prev);
    }
  }
  const int64_t gates_before_c = DIAGONAL ? 2 * n : 3 * n;  // the output gate's peephole sees c[t]
  for (int64_t at = 0; at < gates_before_c; at += VL) store(z + at, sigmoid(load(z + at)));  // input, forget gates
  for (int64_t at = 0; at < n; at += VL) store(g + at, tanh(load(g + at)));                  // candidate
  for (int64_t at = 0; at < n; at += VL) {                                                   // memory
    const vf c_prev = load(s.c_prev + at);
    vf c = load(f + at) * c_prev + load(i + at) * load(g + at);
    if constexpr (MASKED) c = select(load(s.mask + at % LANES) != set1(0.0f), c, c_prev);
    store(c_out + at, c);
  }
  if constexpr (DIAGONAL) {
    for (int64_t at = 0; at < n; at += VL)
      store(o + at, sigmoid(load(o + at) + s.P[2 * s.H + at / LANES] * load(c_out + at)));  // output gate
  }
  for (int64_t at = 0; at < n; at += VL) {
    vf h = load(o + at) * tanh(load(c_out + at));
    if constexpr (MASKED) h = select(load(s.mask + at % LANES) != set1(0.0f), h, load(s.h_prev + at));
    store(h_out + at, h);
  }
}

// gates i, f, o, g become dz. dh holds the whole gradient of h[t]; dc that of c[t] and becomes that of c[t-1] as far
// as the step's own path goes (the full peephole adds its product later). Under a mask, dh keeps what passes a
// skipped step by, and is 0 elsewhere. dP (3H, lane) gathers the diagonal peephole's gradient.
template <bool DIAGONAL, bool MASKED>
GATECAST_INLINE void lstm_backward_step(const LstmStep& s, float* gates, const float* c_now, const float* dy,
                                        float* dh_io, float* dc_io, float* dP) {
  const int64_t plane = s.H * LANES;
  for (int64_t j = 0; j < s.H; ++j)
#pragma GCC unroll 4
    for (int v = 0; v < VECTORS; ++v) {
      const int64_t at = j * LANES + v * VL;
      const vf i = load(gates + at), f = load(gates + plane + at);
      const vf o = load(gates + 2 * plane + at), g = load(gates + 3 * plane + at);
      const vf c_prev = load(s.c_prev + at), c = load(c_now + at), tanh_c = tanh(c);
      vf dh = load(dh_io + at);
      if (dy) dh += load(dy + at);
      const vf dc_in = load(dc_io + at);
      vf dzo = dh * tanh_c * o * (1.0f - o);
      vf dc = dc_in + dh * o * (1.0f - tanh_c * tanh_c);
      if constexpr (DIAGONAL) dc += s.P[2 * s.H + j] * dzo;
      vf dzi = dc * g * i * (1.0f - i);
      vf dzf = dc * c_prev * f * (1.0f - f);
      vf dzg = dc * i * (1.0f - g * g);
      vf dc_prev = dc * f;
      if constexpr (DIAGONAL) dc_prev += s.P[j] * dzi + s.P[s.H + j] * dzf;
      if constexpr (MASKED) {
        const vi on = load(s.mask + v * VL) != set1(0.0f);
        const vf zero = {};
        dzi = select(on, dzi, zero);
        dzf = select(on, dzf, zero);
        dzo = select(on, dzo, zero);
        dzg = select(on, dzg, zero);
        dc_prev = select(on, dc_prev, dc_in);
        store(dh_io + at, select(on, zero, dh));
      }
      store(gates + at, dzi);
      store(gates + plane + at, dzf);
      store(gates + 2 * plane + at, dzo);
      store(gates + 3 * plane + at, dzg);
      store(dc_io + at, dc_prev);
      if constexpr (DIAGONAL) {
        store(dP + at, load(dP + at) + dzi * c_prev);
        store(dP + plane + at, load(dP + plane + at) + dzf * c_prev);
        store(dP + 2 * plane + at, load(dP + 2 * plane + at) + dzo * c);
      }
    }
}

}  // namespace gatecast::GATECAST_ISA
