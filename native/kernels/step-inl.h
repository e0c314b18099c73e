// What a cell gets for one step of one block, and the functions that cells share.
//
// A cell (cells/) is what happens in one step of one block: forward (products, then the pointwise part: short loops
// over one function each, because a loop over whole steps keeps a unit's chain of tanh and sigmoid, some 150 cycles, in
// a reorder window that holds little more than one unit), backward (dz from the gradients of the states, then the
// products down to h[t-1]), and SPLIT: how many of its gates go into the first part of its weights. A cell with a
// second part says in second_part_gradient what that part's rows of dz are multiplied with: the input of every item
// (x_term, from column SPLIT H on), and h or something in its place. Equations and gradients are derived in
// docs/equations.md, in these names; the time loop, masks, zoneout and the gradients of the weights are scan-inl.h's.
#pragma once

#include "kernels/products-inl.h"

namespace gatecast::GATECAST_ISA {

// The weights of a layer, prepared once per call. x and h are in two parts where a cell multiplies them at different
// times (a GRU: gates z and r, then g); most cells have one part, and the second is empty.
struct Weights {
  Matrix x[2], h[2], P, Wr;
  const float* zero;  // one per row of dz: the bias of gates that are normalised before their bias is added
};

// Forward. Arrays are (rows, L).
template <int L>
struct ForwardStep {
  const Recurrent& a;
  const Weights& w;
  const SavedRows& rows;
  const float* x = nullptr;
  const float* prev[MAX_STATES] = {};  // states before the step
  float* next[MAX_STATES] = {};        // and after it
  const float* h = nullptr;            // what the recurrent products see; null: zero, they are skipped
  float* saved = nullptr;              // this step's rows
  bool parity = false;                 // set at every second step
  const float* precomputed = nullptr;  // Wx x + b of all gates, if it was computed for many steps at once (L = 1)
};

// Backward.
template <int L>
struct BackwardStep {
  const Recurrent& a;
  const Weights& w;
  const SavedRows& rows;
  float* work;                            // 2 H or 2 R rows
  float *lane_dP, *lane_dgain, *lane_db;  // gradients that are summed over lanes at the end; dP of a diagonal
  Prefetch& prefetch;                     // what the next step will read
  const float* prev[MAX_STATES] = {};
  const float* h = nullptr;
  const float* y = nullptr;  // h after the step
  const float* saved = nullptr;
  float* d[MAX_STATES] = {};    // in: gradients of the states after the step; out: of those before it
  float* dz = nullptr;          // gradients of the rows before their activation
  const float* drop = nullptr;  // (R, L) or null
  bool parity = false;          // set at every second step
  bool wants_dh_prev = false;   // whether the gradient of h before the step is needed
};

// y (M, L) = Wx x + b for one part of the weights.
template <int L>
GATECAST_INLINE void input_preactivation(const ForwardStep<L>& s, int part, const float* b, float* y) {
  const int64_t M = s.w.x[part].M;
  if (s.precomputed)
    copy(y, s.precomputed + (part ? s.w.x[0].M : 0), M);
  else
    forward_product<L>({Term{&s.w.x[part], s.x}}, b, M, y);
}

// y (M, L) = Wx x + Wh h + b for one part of the weights; h is what the products see of it (r * h in a GRU).
template <int L>
GATECAST_INLINE void preactivation(const ForwardStep<L>& s, int part, const float* b, const float* h, float* y) {
  const int64_t M = s.w.x[part].M;
  if (!h) return input_preactivation(s, part, b, y);
  if (s.precomputed)
    forward_product<L>({Term{&s.w.h[part], h}}, s.precomputed + (part ? s.w.x[0].M : 0), M, y, s.parity);
  else
    forward_product<L>({Term{&s.w.x[part], s.x}, Term{&s.w.h[part], h}}, b, M, y);
}

// d[0] = Wh dz, or += with ADD, through the recurrent dropout if there is one.
template <int L, bool ADD>
GATECAST_INLINE void state_gradient(const BackwardStep<L>& s, const Matrix& w, const float* dz) {
  if (!s.wants_dh_prev) return;
  if (!s.drop) return backward_product<L, ADD>(w, dz, s.d[0], s.prefetch, s.parity);
  backward_product<L, false>(w, dz, s.work, s.prefetch, s.parity);
  for_each_vector<L>(w.K, [&](auto at) {
    const vf d = at.load(s.work) * at.load(s.drop);
    at.store(s.d[0], ADD ? at.load(s.d[0]) + d : d);
  });
}

// Layer-normalised gates: z (H rows a gate) becomes gain * norm + b with norm = (z - mean) * rate, rate = 1 /
// standard deviation over the units.
template <int L>
GATECAST_NOINLINE void layer_norm(float* z, int64_t H, int gates, const float* gain, const float* b, float* norm,
                                  float* rate) {
  for (int gate = 0; gate < gates; ++gate) {
    float *a = z + gate * H * L, *out = norm + gate * H * L;
    float mean[L] = {}, variance[L] = {};
    for (int64_t j = 0; j < H; ++j)
      for (int lane = 0; lane < L; ++lane) mean[lane] += a[j * L + lane];
    for (int lane = 0; lane < L; ++lane) mean[lane] /= static_cast<float>(H);
    for (int64_t j = 0; j < H; ++j)
      for (int lane = 0; lane < L; ++lane) {
        const float from_mean = a[j * L + lane] - mean[lane];
        variance[lane] = multiply_add(from_mean, from_mean, variance[lane]);
      }
    for (int lane = 0; lane < L; ++lane)
      rate[gate * L + lane] = 1.0f / __builtin_sqrtf(variance[lane] / static_cast<float>(H) + 1e-5f);
    for (int64_t j = 0; j < H; ++j)
      for (int lane = 0; lane < L; ++lane) {
        const float n = (a[j * L + lane] - mean[lane]) * rate[gate * L + lane];
        out[j * L + lane] = n;
        a[j * L + lane] = multiply_add(gain[gate * H + j], n, b[gate * H + j]);
      }
  }
}

// dz of the normalised gates becomes that of the products; the gradients of gain and b (gates H, L) are added to
// dgain and db.
template <int L>
GATECAST_NOINLINE void layer_norm_backward(float* dz, int64_t H, int gates, const float* gain, const float* norm,
                                           const float* rate, float* dgain, float* db) {
  for (int gate = 0; gate < gates; ++gate) {
    const int64_t first = gate * H * L;
    float mean[L] = {}, slope[L] = {};
    for (int64_t j = 0; j < H; ++j)
      for (int lane = 0; lane < L; ++lane) {
        const int64_t at = first + j * L + lane;
        dgain[at] += dz[at] * norm[at];
        db[at] += dz[at];
        dz[at] *= gain[gate * H + j];
        mean[lane] += dz[at];
        slope[lane] += dz[at] * norm[at];
      }
    for (int lane = 0; lane < L; ++lane) {
      mean[lane] /= static_cast<float>(H);
      slope[lane] /= static_cast<float>(H);
    }
    for (int64_t j = 0; j < H; ++j)
      for (int lane = 0; lane < L; ++lane) {
        const int64_t at = first + j * L + lane;
        dz[at] = rate[gate * L + lane] * (dz[at] - mean[lane] - norm[at] * slope[lane]);
      }
  }
}

}  // namespace gatecast::GATECAST_ISA
