// The time loop of a recurrent layer, forward and backward, for every cell: states, masks, zoneout, recurrent dropout,
// and the gradients of the weights.
//
// A block never reads another block. Blocks are gathered into groups whose number depends on the shape alone; a group
// is one unit of work for the threads and has its own weight-gradient sums, which are added in group order. So every
// result has the same bits for any number of threads.
#pragma once

#include "kernels/reduction-inl.h"
#include "kernels/step-inl.h"

namespace gatecast::GATECAST_ISA {

// A (rows, L) slab of a (blocks, steps, rows, L) array.
template <int L, typename Float>
GATECAST_INLINE Float* slab(Float* array, int64_t steps, int64_t rows, int64_t block, int64_t t) {
  return array + (block * steps + t) * rows * L;
}

// The weights, packed for forward products into `room` (weights_room floats) if it is given.
template <typename C, int L>
inline Weights prepare(const Recurrent& a, float* room, const float* zero) {
  Weights w = {};
  w.zero = zero;
  const bool uses_h = a.T > 1 || a.state0[0];  // the only step of a sequence from zero does not
  const auto take = [&](const float* W, int64_t K, int64_t stride, int64_t column, int64_t M) {
    const bool packs = L == 1 ? W == a.Wh && a.heads == 1 : W != a.Wh || uses_h;
    if (!room || !packs) return Matrix{W + column, K, stride, M, nullptr};
    const Matrix part = columns<L>(W, K, stride, column, M, room);
    room += K * M;
    return part;
  };
  const int64_t gates[2] = {C::SPLIT * a.H, a.inputs()};
  for (int part = 0; part < 2; ++part) {
    const int64_t from = part ? gates[0] : 0, M = gates[part] - from;
    w.x[part] = take(a.Wx, a.I, a.inputs(), from, M);
    if (a.recurrent() && a.heads == 1) w.h[part] = take(a.Wh, a.R, a.recurrent(), from, M);
  }
  if (a.heads > 1) {
    const int64_t D = a.H / a.heads;
    w.h[0] = {a.Wh, D, a.recurrent(), D, L == 1 ? nullptr : room};
    if (room)
      for (int64_t k = 0; k < 4 * a.heads; ++k) take(a.Wh, D, a.recurrent(), k * D, D);
  }
  if (a.peephole == Peephole::full) w.P = take(a.P, a.H, 3 * a.H, 0, 3 * a.H);
  if (a.Wr) w.Wr = take(a.Wr, a.H, a.R, 0, a.R);
  return w;
}
inline int64_t weights_room(const Recurrent& a) {
  if (a.lanes == 1) {  // only the recurrent weights, and where enough steps use them and they are large
    const int64_t weights = a.heads == 1 ? a.R * a.recurrent() : 0;
    return a.T >= 16 && weights >= (1 << 16) ? weights : 0;
  }
  return a.I * a.inputs() + a.R * a.recurrent() + (a.peephole == Peephole::full ? 3 * a.H * a.H : 0) +
         (a.Wr ? a.H * a.R : 0);
}

// ---- forward ------------------------------------------------------------------------------------------------------

// A sequence alone loads every weight for one step's use. What does not wait for h, Wx x, is therefore computed for
// this many steps at once (measured: docs/performance.md).
inline constexpr int STEPS = 16;

// Scratch of one thread: zeros, two generations of rolling states, one step's kept rows, input products made ahead.
struct ForwardScratch {
  int64_t wide, rows, ready, size;
  explicit ForwardScratch(const Recurrent& a)
      : wide(most(a.H, a.R)),
        rows(KeptRows(a).total),
        ready(a.lanes == 1 ? STEPS * a.inputs() : 0),
        size(((2 * MAX_STATES + 1) * wide + rows) * a.lanes + ready) {}
};

// What training and masks do to the states once a step is done.
template <int L>
GATECAST_APART void blend(const Recurrent& a, int64_t block, int64_t t, const float* const* prev, float* const* next) {
  for (int s = 0; s < a.size().states; ++s) {
    const int64_t rows = a.state_rows(s);
    const float* old = prev[s];
    float* now = next[s];
    if (a.zoned(s)) {
      const float* zone = a.zone[s] ? slab<L>(a.zone[s], a.T, rows, block, t) : nullptr;
      const vf share = set1(a.zone_share[s]);
      each<L>(rows, [&](auto at) {
        const vf keep = zone ? at.load(zone) : share, value = at.load(now);
        at.store(now, value + keep * (at.load(old) - value));
      });
    }
    if (a.mask) {
      const float* mask = a.mask + (block * a.T + t) * L;
      each<L>(rows, [&](auto at) { at.store(now, select(at.lane(mask) != vf{}, at.load(now), at.load(old))); });
    }
  }
}

template <typename C, int L>
inline void forward_block(const Recurrent& a, const Weights& w, int64_t block, float* scratch) {
  const ForwardScratch shape(a);
  const KeptRows rows(a);
  const int states = a.size().states;
  const int64_t wide = shape.wide * L;
  float *zero = scratch, *rolling = zero + wide, *rolling_kept = rolling + 2 * MAX_STATES * wide,
        *ready = rolling_kept + shape.rows * L;
  clear(zero, wide);
  Step<L> s = {a, w, rows, nullptr, {}, {}, nullptr, nullptr, false, nullptr};
  for (int k = 0; k < states; ++k) s.prev[k] = a.state0[k] ? a.state0[k] + block * a.state_rows(k) * L : zero;
  for (int64_t t = 0; t < a.T; ++t) {
    s.x = slab<L>(a.x, a.T, a.I, block, t);
    s.odd = t & 1;
    s.kept = a.kept ? slab<L>(a.kept, a.T, rows.total, block, t) : rolling_kept;
    for (int k = 0; k < states; ++k) {
      s.next[k] = rolling + (2 * k + (t & 1)) * wide;
      if (a.kept && k >= 1 && k <= a.size().stored)
        s.next[k] = s.kept + (a.size().kept - a.size().stored + k - 1) * a.H * L;
    }
    if (a.y) s.next[0] = slab<L>(a.y, a.T, a.R, block, t);
    s.h = t == 0 && !a.state0[0] ? nullptr : s.prev[0];
    if (a.drop && s.h) {
      const float* drop = a.drop + block * a.R * L;
      float* seen = s.kept + rows.dropped * L;
      each<L>(a.R, [&](auto at) { at.store(seen, at.load(s.h) * at.load(drop)); });
      s.h = seen;
    }
    if constexpr (L == 1) {
      if (a.T > 1) {
        if (t % STEPS == 0) {
          const Matrix all = {a.Wx, a.I, a.inputs(), a.inputs(), nullptr};
          alone_forward_steps(all, s.x, static_cast<int>(least(STEPS, a.T - t)), a.gain ? w.zero : a.b, ready);
        }
        s.ready = ready + t % STEPS * a.inputs();
      }
    }
    C::forward(s);
    if (a.mask || a.zoned(0) || a.zoned(1)) blend<L>(a, block, t, s.prev, s.next);
    for (int k = 0; k < states; ++k) s.prev[k] = s.next[k];
  }
  for (int k = 0; k < states; ++k) copy(a.stateT[k] + block * a.state_rows(k) * L, s.prev[k], a.state_rows(k) * L);
}

template <typename C, int L>
inline void forward_layer(const Recurrent& a) {
  const int64_t packed = weights_room(a), zeros = most(a.gradients(), a.R);
  const ForwardScratch shape(a);
  const int workers = static_cast<int>(least(a.blocks, threads()));
  const Scratch scratch(static_cast<size_t>(packed + zeros + workers * shape.size));
  float *zero = scratch + packed, *work = zero + zeros;
  clear(zero, zeros);
  const Weights w = prepare<C, L>(a, packed ? static_cast<float*>(scratch) : nullptr, zero);
  parallel_for(a.blocks, workers,
               [&](int64_t block, int worker) { forward_block<C, L>(a, w, block, work + worker * shape.size); });
}

// ---- backward -----------------------------------------------------------------------------------------------------

// Where a group's sums lie: the weights' gradients one after the other, then what is summed over lanes at the end.
struct Sums {
  int64_t Wx, Wh, b, P, Wr, lanes, size;
  explicit Sums(const Recurrent& a) {
    const int64_t diagonal = a.peephole == Peephole::diagonal ? 3 * a.H : 0;
    Wx = 0;
    Wh = Wx + a.I * a.inputs();
    b = Wh + a.R / a.heads * a.recurrent();
    P = b + a.gradients();
    Wr = P + (a.peephole == Peephole::full ? 3 * a.H * a.H : 0);
    lanes = Wr + (a.Wr ? a.H * a.R : 0);
    size = lanes + (diagonal + (a.gain ? 2 * a.gradients() : 0)) * a.lanes;
  }
};

// Steps whose dz waits to go into the weights' gradients, newest block and last step first.
template <int L>
struct Ring {
  int count = 0;
  float* dx[CHUNK<L>];
  const float *x[CHUNK<L>], *h[CHUNK<L>], *c[CHUNK<L>], *kept[CHUNK<L>];
};

// Adds what the ring holds to a group's sums. An item without h began from zero: its place is taken by zeros.
template <typename C, int L>
inline void gather(const Recurrent& a, Ring<L>& ring, const float* dz, int64_t width, const float* zero, const Sums& at,
                   float* sums) {
  const int items = ring.count;
  ring.count = 0;
  if (!items) return;
  if constexpr (L == 1) {
    const Matrix all = {a.Wx, a.I, a.inputs(), a.inputs(), nullptr};
    if (ring.dx[0]) alone_backward_steps(all, dz, width, items, ring.dx);
  }
  const KeptRows rows(a);
  const int64_t H = a.H, inputs = a.inputs(), recurrent = a.recurrent(), split = C::SPLIT * H;
  bool any_h = false;
  for (int i = 0; i < items; ++i) any_h = any_h || ring.h[i];
  for (int i = 0; i < items; ++i)
    if (!ring.h[i]) ring.h[i] = zero;
  float* db = a.gain ? nullptr : sums + at.b;
  const GradTerm on_x = {ring.x, a.I, sums + at.Wx, inputs};
  const GradTerm on_h = {ring.h, a.R, sums + at.Wh, recurrent};
  const bool fused = any_h && recurrent && a.heads == 1;
  if (fused)
    gradient_product<L>({on_x, on_h}, dz, width, items, split, db);
  else
    gradient_product<L>({on_x}, dz, width, items, split, db);
  if (any_h && a.heads > 1) {
    const int64_t D = H / a.heads;
    const float* h[CHUNK<L>];
    for (int64_t k = 0; k < a.heads; ++k) {
      for (int i = 0; i < items; ++i) h[i] = ring.h[i] + k * D * L;
      for (int gate = 0; gate < 4; ++gate) {
        const int64_t row = gate * H + k * D;
        gradient_product<L>({GradTerm{h, D, sums + at.Wh + row, recurrent}}, dz + row * L, width, items, D, nullptr);
      }
    }
  }
  if constexpr (requires { C::template second_gradient<L>(a, on_x, on_h, ring.kept, any_h, dz, width, items, db); })
    C::template second_gradient<L>(a, on_x, on_h, ring.kept, any_h, dz, width, items, db);
  if (a.peephole == Peephole::full)
    gradient_product<L>({GradTerm{ring.c, H, sums + at.P, 3 * H}}, dz, width, items, 3 * H, nullptr);
  if (a.Wr) {
    const float* u[CHUNK<L>];
    for (int i = 0; i < items; ++i) u[i] = ring.kept[i] + rows.u * L;
    gradient_product<L>({GradTerm{u, H, sums + at.Wr, a.R}}, dz + a.gradients() * L, width, items, a.R, nullptr);
  }
}

// Scratch of one thread: the ring's dz, zeros, gradients of the states, what skips a step by mask or zoneout, work.
struct BackwardScratch {
  int64_t wide, width, size;
  BackwardScratch(const Recurrent& a, int chunk)
      : wide(most(a.H, a.R) * a.lanes),
        width((a.gradients() + (a.Wr ? a.R : 0)) * a.lanes),
        size(chunk * width + PANEL + (2 * MAX_STATES + 3) * wide) {}
};

template <typename C, int L>
inline void backward_group(const Recurrent& a, const RecurrentGrad& d, const Weights& w, int64_t first, int64_t last,
                           float* scratch, float* sums) {
  const BackwardScratch shape(a, CHUNK<L>);
  const KeptRows rows(a);
  const Sums at(a);
  const int states = a.size().states;
  const int64_t wide = shape.wide;
  float *ring_dz = scratch, *zero = ring_dz + CHUNK<L> * shape.width + PANEL, *own = zero + wide,
        *past = own + MAX_STATES * wide, *work = past + MAX_STATES * wide;
  clear(ring_dz + CHUNK<L> * shape.width, PANEL);
  clear(zero, wide);
  Ring<L> ring;
  Ahead ahead;
  const bool want_state = d.dstate0[0] != nullptr;
  Back<L> s = {a,     w,     rows, {}, nullptr, nullptr, nullptr, {}, nullptr, work, nullptr, sums + at.lanes,
               ahead, false, false};
  for (int64_t block = first; block < last; ++block) {
    for (int k = 0; k < states; ++k) {
      const int64_t n = a.state_rows(k) * L;
      s.d[k] = own + k * wide;
      if (d.dstateT[k])
        copy(s.d[k], d.dstateT[k] + block * n, n);
      else
        clear(s.d[k], n);
    }
    s.drop = a.drop ? a.drop + block * a.R * L : nullptr;
    for (int64_t t = a.T - 1; t >= 0; --t) {
      s.kept = a.kept ? slab<L>(a.kept, a.T, rows.total, block, t) : nullptr;
      s.y = slab<L>(a.y, a.T, a.R, block, t);
      const float* kept_before = t && a.kept ? slab<L>(a.kept, a.T, rows.total, block, t - 1) : nullptr;
      for (int k = 0; k < states; ++k) {
        if (t == 0)
          s.prev[k] = a.state0[k] ? a.state0[k] + block * a.state_rows(k) * L : zero;
        else if (k == 0)
          s.prev[k] = slab<L>(a.y, a.T, a.R, block, t - 1);
        else if (k <= a.size().stored)
          s.prev[k] = kept_before + (a.size().kept - a.size().stored + k - 1) * a.H * L;
      }
      s.h = t == 0 && !a.state0[0] ? nullptr : a.drop ? s.kept + rows.dropped * L : s.prev[0];
      s.down = t > 0 || want_state;
      s.odd = t & 1;
      s.dz = ring_dz + ring.count * shape.width;
      if (d.dy) {
        const float* dy = slab<L>(d.dy, a.T, a.R, block, t);
        each<L>(a.R, [&](auto i) { i.store(s.d[0], i.load(s.d[0]) + i.load(dy)); });
      }
      const bool blended = a.mask || a.zoned(0) || a.zoned(1);
      if (blended) {  // a gradient goes past the step as far as the value did
        for (int k = 0; k < states; ++k) {
          const int64_t n = a.state_rows(k);
          const float* mask = a.mask ? a.mask + (block * a.T + t) * L : nullptr;
          const float* zone = k < 2 && a.zone[k] ? slab<L>(a.zone[k], a.T, n, block, t) : nullptr;
          const vf share = set1(k < 2 ? a.zone_share[k] : 0.0f);
          each<L>(n, [&](auto i) {
            vf keep = zone ? i.load(zone) : share;
            if (mask) keep = select(i.lane(mask) != vf{}, keep, set1(1.0f));
            const vf whole = i.load(s.d[k]);
            i.store(past + k * wide, keep * whole);
            i.store(s.d[k], (1.0f - keep) * whole);
          });
        }
      }
      ahead = {};
      if (t > 0)
        ahead = {{kept_before, t > 1 ? s.prev[0] - a.R * L : nullptr, slab<L>(a.x, a.T, a.I, block, t - 1)},
                 {kept_before ? rows.total * L : 0, t > 1 ? a.R * L : 0, a.I * L}};
      C::backward(s);
      if (blended)
        for (int k = 0; k < states; ++k)
          each<L>(a.state_rows(k), [&](auto i) { i.store(s.d[k], i.load(s.d[k]) + i.load(past + k * wide)); });
      if (d.dx && L != 1) {
        float* dx = slab<L>(d.dx, a.T, a.I, block, t);
        backward_product<L, false>(w.x[0], s.dz, dx, ahead);
        if (w.x[1].M) backward_product<L, true>(w.x[1], s.dz + C::SPLIT * a.H * L, dx, ahead);
      }
      const int item = ring.count++;
      ring.dx[item] = d.dx ? slab<L>(d.dx, a.T, a.I, block, t) : nullptr;
      ring.x[item] = slab<L>(a.x, a.T, a.I, block, t);
      ring.h[item] = s.h;
      ring.c[item] = s.prev[1];
      ring.kept[item] = s.kept;
      if (ring.count == CHUNK<L>) gather<C, L>(a, ring, ring_dz, shape.width, zero, at, sums);
    }
    if (want_state)
      for (int k = 0; k < states; ++k) copy(d.dstate0[k] + block * a.state_rows(k) * L, s.d[k], a.state_rows(k) * L);
  }
  gather<C, L>(a, ring, ring_dz, shape.width, zero, at, sums);
}

// A group's sums go into the gradients of the weights.
inline void add_group(const Recurrent& a, const RecurrentGrad& d, const Sums& at, const float* sums, bool first) {
  add_sums(sums + at.Wx, a.I * a.inputs(), first, d.dWx);
  add_sums(sums + at.Wh, a.R / a.heads * a.recurrent(), first, d.dWh);
  add_sums(sums + at.b, a.gradients(), first, a.gain ? nullptr : d.db);
  add_sums(sums + at.P, 3 * a.H * a.H, first, a.peephole == Peephole::full ? d.dP : nullptr);
  add_sums(sums + at.Wr, a.H * a.R, first, d.dWr);
  const float* lanes = sums + at.lanes;
  const auto take = [&](int64_t n, float* out) {
    add_lanes(lanes, n, a.lanes, first, out);
    lanes += n * a.lanes;
  };
  if (a.peephole == Peephole::diagonal) take(3 * a.H, d.dP);
  if (a.gain) {
    take(a.gradients(), d.dgain);
    take(a.gradients(), d.db);
  }
}

template <typename C, int L>
inline void backward_layer(const Recurrent& a, const RecurrentGrad& d) {
  // A group costs a pass over as many numbers as there are weights; an item of work gives each weight some L multiply-
  // adds. So: no more groups than pay, but two wherever there are two blocks.
  const int64_t items = a.blocks * a.T / (L == 1 ? 256 : 16);
  const int64_t groups = least(a.blocks, most(2, least(items, GROUPS)));
  const Sums at(a);
  const BackwardScratch shape(a, CHUNK<L>);
  const Scratch work(static_cast<size_t>(hands(groups) * shape.size));
  const Weights w = prepare<C, L>(a, nullptr, nullptr);
  sum_in_turns(
      groups, at.size,
      [&](int64_t g, int worker, float* sums) {
        const int64_t first = g * a.blocks / groups, last = (g + 1) * a.blocks / groups;
        backward_group<C, L>(a, d, w, first, last, work + worker * shape.size, sums);
      },
      [&](const float* sums, bool first) { add_group(a, d, at, sums, first); });
}

}  // namespace gatecast::GATECAST_ISA
