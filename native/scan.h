// The time loop of a recurrent layer, forward and backward, over blocks of sequences.
//
// A block never reads another block. Blocks are gathered into at most GROUPS groups, a number that depends on the
// shape alone; a group is one unit of work for the threads and owns one set of weight-gradient sums, which are added
// in group order at the end. So every result has the same bits for any number of threads.
#pragma once

#include "cells.h"
#include "gemm.h"

namespace gatecast::GATECAST_ISA {

inline constexpr int64_t GROUPS = 8;

GATECAST_INLINE int64_t least(int64_t a, int64_t b) {
  return a < b ? a : b;
}
GATECAST_INLINE void clear(float* p, int64_t n) {
  __builtin_memset(p, 0, static_cast<size_t>(n) * sizeof(float));
}
GATECAST_INLINE void copy(float* to, const float* from, int64_t n) {
  __builtin_memcpy(to, from, static_cast<size_t>(n) * sizeof(float));
}

// A (rows, lane) slab of a (blocks, steps, rows, lane) array.
template <typename Float>
GATECAST_INLINE Float* slab(Float* array, int64_t steps, int64_t rows, int64_t block, int64_t t) {
  return array + (block * steps + t) * rows * LANES;
}

// ---- forward ------------------------------------------------------------------------------------------------------

struct LstmPacked {
  const float *Wx, *Wh, *P;
};

GATECAST_INLINE void lstm_forward_point(const LstmStep& s, float* z, float* c, float* h) {
  const bool diagonal = s.peephole == Peephole::diagonal;
  if (diagonal && s.mask)
    lstm_forward_step<true, true>(s, z, c, h);
  else if (diagonal)
    lstm_forward_step<true, false>(s, z, c, h);
  else if (s.mask)
    lstm_forward_step<false, true>(s, z, c, h);
  else
    lstm_forward_step<false, false>(s, z, c, h);
}

// One block through all steps. `scratch` holds (7H, lane): zeros, rolling c and h, and z where nothing is kept.
inline void lstm_forward_block(const Lstm& a, const LstmPacked& packed, int64_t block, float* scratch) {
  const int64_t I = a.I, H = a.H, T = a.T, state = H * LANES;
  float *zero = scratch, *rolling_c = scratch + state, *rolling_h = scratch + 2 * state,
        *rolling_z = scratch + 3 * state;
  clear(zero, state);
  const float* h = a.h0 ? a.h0 + block * state : nullptr;  // null: zero, and its product is left out
  const float* c = a.c0 ? a.c0 + block * state : zero;
  for (int64_t t = 0; t < T; ++t) {
    float* z = a.gates ? slab(a.gates, T, 4 * H, block, t) : rolling_z;
    float* c_out = a.c ? slab(a.c, T, H, block, t) : rolling_c;
    float* h_out = a.y ? slab(a.y, T, H, block, t) : rolling_h;
    const Term input = {packed.Wx, slab(a.x, T, I, block, t), I};
    if (h)
      product_forward<2>({input, {packed.Wh, h, H}}, a.b, 4 * H, z);
    else
      product_forward<1>({input}, a.b, 4 * H, z);
    if (a.peephole == Peephole::full && c != zero) product_add({packed.P, c, H}, 3 * H, z);
    const float* mask = a.mask ? a.mask + (block * T + t) * LANES : nullptr;
    lstm_forward_point({H, a.peephole, a.P, mask, c, h ? h : zero}, z, c_out, h_out);
    c = c_out;
    h = h_out;
  }
  if (h)
    copy(a.hT + block * state, h, state);
  else
    clear(a.hT + block * state, state);
  copy(a.cT + block * state, c, state);
}

inline void lstm_forward(const Lstm& a) {
  const int64_t I = a.I, H = a.H, full = a.peephole == Peephole::full ? 3 * H * H : 0;
  const Scratch packed(static_cast<size_t>(4 * H * (I + H) + full));
  float *Wx = packed, *Wh = Wx + 4 * H * I, *P = Wh + 4 * H * H;
  pack_tiles(a.Wx, I, 4 * H, Wx);
  pack_tiles(a.Wh, H, 4 * H, Wh);
  if (full) pack_tiles(a.P, H, 3 * H, P);
  const Scratch scratch(static_cast<size_t>(a.blocks * 7 * H * LANES));
  parallel_for(a.blocks,
               [&](int64_t block) { lstm_forward_block(a, {Wx, Wh, P}, block, scratch + block * 7 * H * LANES); });
}

// ---- backward -----------------------------------------------------------------------------------------------------

// Where a group's sums lie: one row of panel_stride(4H) floats for every row of Wx, Wh, (full) P, and one for b.
struct LstmSums {
  int64_t I, H, full, stride;
  int64_t rows() const { return I + H + full + 1; }
  float* Wx(float* p) const { return p; }
  float* Wh(float* p) const { return p + I * stride; }
  float* P(float* p) const { return p + (I + H) * stride; }
  float* b(float* p) const { return p + (I + H + full) * stride; }
  int64_t size() const { return rows() * stride; }
};

GATECAST_INLINE void lstm_backward_point(const LstmStep& s, float* gates, const float* c, const float* dy, float* dh,
                                         float* dc, float* dP) {
  const bool diagonal = s.peephole == Peephole::diagonal;
  if (diagonal && s.mask)
    lstm_backward_step<true, true>(s, gates, c, dy, dh, dc, dP);
  else if (diagonal)
    lstm_backward_step<true, false>(s, gates, c, dy, dh, dc, dP);
  else if (s.mask)
    lstm_backward_step<false, true>(s, gates, c, dy, dh, dc, dP);
  else
    lstm_backward_step<false, false>(s, gates, c, dy, dh, dc, dP);
}

// dz, dx, dh0 and dc0 of one block. `scratch` holds (3H, lane): zeros, dh, dc.
inline void lstm_backward_block(const Lstm& a, const LstmGrad& d, int64_t block, float* scratch, float* dP) {
  const int64_t I = a.I, H = a.H, T = a.T, state = H * LANES;
  float *zero = scratch, *dh = scratch + state, *dc = scratch + 2 * state;
  clear(zero, state);
  if (d.dhT)
    copy(dh, d.dhT + block * state, state);
  else
    clear(dh, state);
  if (d.dcT)
    copy(dc, d.dcT + block * state, state);
  else
    clear(dc, state);
  for (int64_t t = T - 1; t >= 0; --t) {
    float* dz = slab(a.gates, T, 4 * H, block, t);
    const float* c_prev = t ? slab(a.c, T, H, block, t - 1) : a.c0 ? a.c0 + block * state : zero;
    const float* dy = d.dy ? slab(d.dy, T, H, block, t) : nullptr;
    const float* mask = a.mask ? a.mask + (block * T + t) * LANES : nullptr;
    lstm_backward_point({H, a.peephole, a.P, mask, c_prev, nullptr}, dz, slab(a.c, T, H, block, t), dy, dh, dc, dP);
    if (t || d.dh0) {
      if (mask)
        product_backward<true>(a.Wh, 4 * H, H, dz, 4 * H, dh);
      else
        product_backward<false>(a.Wh, 4 * H, H, dz, 4 * H, dh);
      if (a.peephole == Peephole::full) product_backward<true>(a.P, 3 * H, H, dz, 3 * H, dc);
    }
    if (d.dx) product_backward<false>(a.Wx, 4 * H, I, dz, 4 * H, slab(d.dx, T, I, block, t));
  }
  if (d.dh0) copy(d.dh0 + block * state, dh, state);
  if (d.dc0) copy(d.dc0 + block * state, dc, state);
}

// Adds the weight gradients of the steps of blocks [first, last) to a group's sums, CHUNK slabs at a time.
inline void lstm_weight_gradient(const Lstm& a, int64_t first, int64_t last, const LstmSums& sums, float* group) {
  const int64_t I = a.I, H = a.H, T = a.T, state = H * LANES;
  const float *dz[CHUNK], *x[CHUNK], *h[CHUNK], *c[CHUNK];
  for (int64_t begin = first * T; begin < last * T;) {
    // Steps without a past come first in a chunk (GradTerm): a block's first step never follows another step.
    int count = 0;
    for (int64_t n = begin; n < last * T && count < CHUNK; ++n, ++count) {
      const int64_t block = n / T, t = n % T;
      if (t == 0 && count && T > 1) break;
      dz[count] = slab(a.gates, T, 4 * H, block, t);
      x[count] = slab(a.x, T, I, block, t);
      h[count] = t ? slab(a.y, T, H, block, t - 1) : a.h0 ? a.h0 + block * state : nullptr;
      c[count] = t ? slab(a.c, T, H, block, t - 1) : a.c0 ? a.c0 + block * state : nullptr;
    }
    const GradTerm on_x = {x, I, sums.Wx(group)}, on_h = {h, H, sums.Wh(group)}, on_c = {c, H, sums.P(group)};
    if (sums.full)
      product_gradient<3>({on_x, on_h, on_c}, dz, count, 4 * H, sums.b(group));
    else
      product_gradient<2>({on_x, on_h}, dz, count, 4 * H, sums.b(group));
    begin += count;
  }
}

// dP (3H) of the diagonal peephole: the sum over groups, then over lanes.
inline void sum_diagonal(const float* partial, int64_t groups, int64_t size, float* dP) {
  for (int64_t j = 0; j < size; ++j) {
    float sum = 0;
    for (int64_t g = 0; g < groups; ++g)
      for (int lane = 0; lane < LANES; ++lane) sum += partial[(g * size + j) * LANES + lane];
    dP[j] = sum;
  }
}

inline void lstm_backward(const Lstm& a, const LstmGrad& d) {
  const int64_t H = a.H, groups = least(a.blocks, GROUPS);
  const bool diagonal = a.peephole == Peephole::diagonal;
  const LstmSums sums = {a.I, H, a.peephole == Peephole::full ? H : 0, panel_stride(4 * H)};
  const int64_t peep = diagonal ? 3 * H * LANES : 0, own = sums.size() + peep + 3 * H * LANES;
  const Scratch scratch(static_cast<size_t>(groups * own));
  float *partial = scratch, *partial_P = partial + groups * sums.size(), *work = partial_P + groups * peep;
  parallel_for(groups, [&](int64_t g) {
    const int64_t first = g * a.blocks / groups, last = (g + 1) * a.blocks / groups;
    float *group = partial + g * sums.size(), *dP = partial_P + g * peep;
    clear(group, sums.size());
    clear(dP, peep);
    for (int64_t block = first; block < last; ++block) {
      lstm_backward_block(a, d, block, work + g * 3 * H * LANES, dP);
      if (a.T > 1) lstm_weight_gradient(a, block, block + 1, sums, group);  // while dz is still in the cache
    }
    if (a.T == 1) lstm_weight_gradient(a, first, last, sums, group);
  });
  const int64_t rows = sums.rows();
  sum_groups(partial, groups, a.I, 0, rows, 4 * H, 4 * H, d.dWx);
  sum_groups(partial, groups, H, a.I, rows, 4 * H, 4 * H, d.dWh);
  if (sums.full) sum_groups(partial, groups, H, a.I + H, rows, 4 * H, 3 * H, d.dP);
  sum_groups(partial, groups, 1, rows - 1, rows, 4 * H, 4 * H, d.db);
  if (diagonal) sum_diagonal(partial_P, groups, 3 * H, d.dP);
}

}  // namespace gatecast::GATECAST_ISA
