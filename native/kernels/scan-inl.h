// The time loop of a recurrent layer, forward and backward, for every cell: states, masks, zoneout, recurrent dropout,
// and the gradients of the weights.
//
// A block never reads another block. Blocks form reduction groups whose number depends on the shape alone; a group is
// one task of a thread and has its own weight-gradient sums, which are added in the order of the groups. So every
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

// Floats of the packed weights of a layer, at most; 0: they are not packed.
inline int64_t packed_weights_size(const Recurrent& a) {
  if (a.lanes == 1) {  // only large recurrent weights that enough steps use
    const int64_t weights = a.heads == 1 ? a.R * a.recurrent() : 0;
    return a.T >= 16 && weights >= (1 << 16) ? weights : 0;
  }
  return a.I * a.inputs() + a.R * a.recurrent() + (a.peephole == Peephole::full ? 3 * a.H * a.H : 0) +
         (a.Wr ? a.H * a.R : 0);
}

// The weights, packed for forward products into `buffer` (packed_weights_size floats) if it is given.
template <typename C, int L>
inline Weights prepare_weights(const Recurrent& a, float* buffer, const float* zero) {
  Weights w = {};
  w.zero = zero;
  Layout layout;
  const bool uses_h = a.T > 1 || a.state0[0];  // a single step from the zero state does not
  const auto take = [&](const float* W, int64_t K, int64_t stride, int64_t column, int64_t M) {
    const bool packs = L == 1 ? W == a.Wh && a.heads == 1 : W != a.Wh || uses_h;
    if (!buffer || !packs) return Matrix{.W = W + column, .K = K, .stride = stride, .M = M};
    return columns<L>(W, K, stride, column, M, layout.add(K * M).in(buffer));
  };
  const int64_t gates[2] = {C::SPLIT * a.H, a.inputs()};
  for (int part = 0; part < 2; ++part) {
    const int64_t from = part ? gates[0] : 0, M = gates[part] - from;
    w.x[part] = take(a.Wx, a.I, a.inputs(), from, M);
    if (a.recurrent() && a.heads == 1) w.h[part] = take(a.Wh, a.R, a.recurrent(), from, M);
  }
  if (a.heads > 1) {
    const int64_t D = a.H / a.heads;
    w.h[0] = {.W = a.Wh,
              .K = D,
              .stride = a.recurrent(),
              .M = D,
              .packed = L == 1 || !buffer ? nullptr : buffer + layout.total()};
    if (buffer)
      for (int64_t k = 0; k < 4 * a.heads; ++k) take(a.Wh, D, a.recurrent(), k * D, D);
  }
  if (a.peephole == Peephole::full) w.P = take(a.P, a.H, 3 * a.H, 0, 3 * a.H);
  if (a.Wr) w.Wr = take(a.Wr, a.H, a.R, 0, a.R);
  assert(!buffer || layout.total() <= packed_weights_size(a));
  return w;
}

// ---- forward ------------------------------------------------------------------------------------------------------

// For a single sequence a loaded weight serves one step only. Wx x, which does not depend on h, is therefore computed
// for this many steps at once (measured: docs/performance.md).
inline constexpr int INPUT_STEPS = 16;

// Scratch of one thread: zeros, the states before and after a step, one step's saved rows, precomputed input products.
struct ForwardScratch {
  int64_t state_size;  // of the largest state
  Span zero, rolling_states, rolling_saved, input_products;
  int64_t total;

  GATECAST_INLINE explicit ForwardScratch(const Recurrent& a) {
    state_size = max(a.H, a.R) * a.lanes;
    Layout layout;
    zero = layout.add(state_size);
    rolling_states = layout.add(2 * MAX_STATES * state_size);
    rolling_saved = layout.add(SavedRows(a).total);
    input_products = layout.add(a.lanes == 1 ? INPUT_STEPS * a.inputs() : 0);
    total = layout.total();
  }
};

// Zoneout keeps a share of the old states, a masked step keeps all of them.
template <int L>
GATECAST_NOINLINE void apply_mask_and_zoneout(const Recurrent& a, int64_t block, int64_t t, const float* const* prev,
                                              float* const* next) {
  for (int s = 0; s < a.size().states; ++s) {
    const int64_t rows = a.state_rows(s);
    const float* old = prev[s];
    float* now = next[s];
    if (a.zoned(s)) {
      const float* zone = a.zone[s] ? slab<L>(a.zone[s], a.T, rows, block, t) : nullptr;
      const vf share = set1(a.zone_share[s]);
      for_each_vector<L>(rows, [&](auto at) {
        const vf keep = zone ? at.load(zone) : share, value = at.load(now);
        at.store(now, value + keep * (at.load(old) - value));
      });
    }
    if (a.mask) {
      const float* mask = a.mask + (block * a.T + t) * L;
      for_each_vector<L>(rows,
                         [&](auto at) { at.store(now, select(at.lane(mask) != vf{}, at.load(now), at.load(old))); });
    }
  }
}

template <typename C, int L>
inline void forward_block(const Recurrent& a, const Weights& w, int64_t block, Region scratch) {
  const ForwardScratch layout(a);
  const SavedRows rows(a);
  const int states = a.size().states;
  const int64_t state_size = layout.state_size;
  float *zero = scratch[layout.zero], *rolling_states = scratch[layout.rolling_states],
        *rolling_saved = scratch[layout.rolling_saved], *input_products = scratch[layout.input_products];
  clear(zero, layout.zero.size);
  ForwardStep<L> s = {.a = a, .w = w, .rows = rows};
  for (int k = 0; k < states; ++k) s.prev[k] = a.state0[k] ? a.state0[k] + block * a.state_rows(k) * L : zero;
  for (int64_t t = 0; t < a.T; ++t) {
    s.x = slab<L>(a.x, a.T, a.I, block, t);
    s.parity = t & 1;
    s.saved = a.saved ? a.saved + (block * a.T + t) * rows.total : rolling_saved;
    for (int k = 0; k < states; ++k) {
      const bool saves_state = a.saved && !rows.states[k].empty();
      s.next[k] = saves_state ? rows.states[k].in(s.saved) : rolling_states + (2 * k + (t & 1)) * state_size;
    }
    if (a.y) s.next[0] = slab<L>(a.y, a.T, a.R, block, t);
    s.h = t == 0 && !a.state0[0] ? nullptr : s.prev[0];
    if (a.drop && s.h) {
      const float* drop = a.drop + block * a.R * L;
      float* h_dropped = rows.h_dropped.in(s.saved);
      for_each_vector<L>(a.R, [&](auto at) { at.store(h_dropped, at.load(s.h) * at.load(drop)); });
      s.h = h_dropped;
    }
    if constexpr (L == 1) {
      if (a.T > 1) {
        if (t % INPUT_STEPS == 0) {
          const Matrix all = {.W = a.Wx, .K = a.I, .stride = a.inputs(), .M = a.inputs()};
          single_forward_steps(all, s.x, static_cast<int>(min(INPUT_STEPS, a.T - t)), a.gain ? w.zero : a.b,
                               input_products);
        }
        s.precomputed = input_products + t % INPUT_STEPS * a.inputs();
      }
    }
    C::forward(s);
    if (a.mask || a.zoned(0) || a.zoned(1)) apply_mask_and_zoneout<L>(a, block, t, s.prev, s.next);
    for (int k = 0; k < states; ++k) s.prev[k] = s.next[k];
  }
  for (int k = 0; k < states; ++k) copy(a.stateT[k] + block * a.state_rows(k) * L, s.prev[k], a.state_rows(k) * L);
}

// Seconds that the products of a forward pass take.
template <int L>
inline double product_seconds(const Recurrent& a) {
  const int64_t weights = a.I * a.inputs() + a.R / a.heads * a.recurrent();
  const double steps = static_cast<double>(a.blocks * a.T);
  return steps * (L == 1 ? single_seconds(weights) : static_cast<double>(weights) * LANES_SECONDS);
}

template <typename C, int L>
inline void forward_layer(const Recurrent& a) {
  const ForwardScratch block_layout(a);
  const int workers = n_workers(a.blocks, product_seconds<L>(a), 0);
  Layout layout;
  const Span packed = layout.add(packed_weights_size(a)), zero = layout.add(max(a.gradients(), a.R)),
             work = layout.add(workers * block_layout.total);
  const Scratch buffer(static_cast<size_t>(layout.total()));
  const Region scratch = {.begin = buffer, .size = layout.total()};
  clear(scratch[zero], zero.size);
  const Weights w = prepare_weights<C, L>(a, packed.empty() ? nullptr : scratch[packed], scratch[zero]);
  parallel_for(a.blocks, workers, [&](int64_t block, int worker) {
    forward_block<C, L>(a, w, block, scratch.part(work, worker, block_layout.total));
  });
}

// ---- backward -----------------------------------------------------------------------------------------------------

// A group's sums: the weights' gradients, then those that are summed over lanes at the end.
struct GradientSums {
  Span Wx, Wh, b, P, Wr;           // P: full peepholes
  Span lane_P, lane_gain, lane_b;  // (rows, L); lane_P: diagonal peepholes
  int64_t total;

  GATECAST_INLINE explicit GradientSums(const Recurrent& a) {
    Layout layout;
    Wx = layout.add(a.I * a.inputs());
    Wh = layout.add(a.R / a.heads * a.recurrent());
    b = layout.add(a.gradients());
    P = layout.add(a.peephole == Peephole::full ? 3 * a.H * a.H : 0);
    Wr = layout.add(a.Wr ? a.H * a.R : 0);
    lane_P = layout.add(a.peephole == Peephole::diagonal ? 3 * a.H * a.lanes : 0);
    lane_gain = layout.add(a.gain ? a.gradients() * a.lanes : 0);
    lane_b = layout.add(a.gain ? a.gradients() * a.lanes : 0);
    total = layout.total();
  }
};

// Steps whose dz is collected for one pass over the weights' gradients, in the order in which they are computed.
template <int L>
struct Chunk {
  int count = 0;
  float* dx[CHUNK_STEPS<L>];
  const float *x[CHUNK_STEPS<L>], *h[CHUNK_STEPS<L>], *c[CHUNK_STEPS<L>], *saved[CHUNK_STEPS<L>];
};

// Adds a chunk's weight gradients to its group's sums. A step without h started from the zero state and reads zeros.
template <typename C, int L>
inline void flush_chunk(const Recurrent& a, Chunk<L>& chunk, const float* dz, int64_t width, const float* zero,
                        const GradientSums& at, Region sums) {
  const int items = chunk.count;
  chunk.count = 0;
  if (!items) return;
  if constexpr (L == 1) {
    const Matrix all = {.W = a.Wx, .K = a.I, .stride = a.inputs(), .M = a.inputs()};
    if (chunk.dx[0]) single_backward_steps(all, dz, width, items, chunk.dx);
  }
  const SavedRows rows(a);
  const int64_t H = a.H, inputs = a.inputs(), recurrent = a.recurrent(), split = C::SPLIT * H;
  bool any_h = false;
  for (int i = 0; i < items; ++i) any_h = any_h || chunk.h[i];
  for (int i = 0; i < items; ++i)
    if (!chunk.h[i]) chunk.h[i] = zero;
  float* db = a.gain ? nullptr : sums[at.b];
  const GradTerm x_term = {.x = chunk.x, .K = a.I, .dW = sums[at.Wx], .stride = inputs};
  const GradTerm h_term = {.x = chunk.h, .K = a.R, .dW = sums[at.Wh], .stride = recurrent};
  const bool fused = any_h && recurrent && a.heads == 1;
  if (fused)
    gradient_product<L>({x_term, h_term}, dz, width, items, split, db);
  else
    gradient_product<L>({x_term}, dz, width, items, split, db);
  if (any_h && a.heads > 1) {
    const int64_t D = H / a.heads;
    const float* h[CHUNK_STEPS<L>];
    for (int64_t k = 0; k < a.heads; ++k) {
      for (int i = 0; i < items; ++i) h[i] = chunk.h[i] + k * D * L;
      for (int gate = 0; gate < 4; ++gate) {
        const int64_t row = gate * H + k * D;
        const GradTerm head = {.x = h, .K = D, .dW = sums[at.Wh] + row, .stride = recurrent};
        gradient_product<L>({head}, dz + row * L, width, items, D, nullptr);
      }
    }
  }
  if constexpr (requires {
                  C::template second_part_gradient<L>(a, x_term, h_term, chunk.saved, any_h, dz, width, items, db);
                })
    C::template second_part_gradient<L>(a, x_term, h_term, chunk.saved, any_h, dz, width, items, db);
  if (a.peephole == Peephole::full) {
    const GradTerm c_term = {.x = chunk.c, .K = H, .dW = sums[at.P], .stride = 3 * H};
    gradient_product<L>({c_term}, dz, width, items, 3 * H, nullptr);
  }
  if (a.Wr) {
    const float* u[CHUNK_STEPS<L>];
    for (int i = 0; i < items; ++i) u[i] = rows.u.in(chunk.saved[i]);
    const GradTerm u_term = {.x = u, .K = H, .dW = sums[at.Wr], .stride = a.R};
    gradient_product<L>({u_term}, dz + a.gradients() * L, width, items, a.R, nullptr);
  }
}

// Scratch of one thread: the chunk's dz, zeros, gradients of the states, those that bypass the step, work.
struct BackwardScratch {
  int64_t state_size, width;  // of the largest state, of one step's dz
  Span chunk_dz, padding;     // the products read PANEL floats beyond the last dz
  Span zero, dstates, bypass, work;
  int64_t total;

  GATECAST_INLINE BackwardScratch(const Recurrent& a, int chunk_steps) {
    state_size = max(a.H, a.R) * a.lanes;
    width = (a.gradients() + (a.Wr ? a.R : 0)) * a.lanes;
    Layout layout;
    chunk_dz = layout.add(chunk_steps * width);
    padding = layout.add(PANEL);
    zero = layout.add(state_size);
    dstates = layout.add(MAX_STATES * state_size);
    bypass = layout.add(MAX_STATES * state_size);
    work = layout.add(2 * state_size);
    total = layout.total();
  }
};

template <typename C, int L>
inline void backward_group(const Recurrent& a, const RecurrentGrad& d, const Weights& w, int64_t first, int64_t last,
                           Region scratch, Region sums) {
  const BackwardScratch layout(a, CHUNK_STEPS<L>);
  const SavedRows rows(a);
  const GradientSums at(a);
  const int states = a.size().states;
  const int64_t state_size = layout.state_size;
  float *chunk_dz = scratch[layout.chunk_dz], *zero = scratch[layout.zero], *dstates = scratch[layout.dstates],
        *bypass = scratch[layout.bypass];
  clear(scratch[layout.padding], layout.padding.size);
  clear(zero, layout.zero.size);
  Chunk<L> chunk;
  Prefetch prefetch;
  const bool want_state = d.dstate0[0] != nullptr;
  BackwardStep<L> s = {.a = a,
                       .w = w,
                       .rows = rows,
                       .work = scratch[layout.work],
                       .lane_dP = sums[at.lane_P],
                       .lane_dgain = sums[at.lane_gain],
                       .lane_db = sums[at.lane_b],
                       .prefetch = prefetch};
  for (int64_t block = first; block < last; ++block) {
    for (int k = 0; k < states; ++k) {
      const int64_t n = a.state_rows(k) * L;
      s.d[k] = dstates + k * state_size;
      if (d.dstateT[k])
        copy(s.d[k], d.dstateT[k] + block * n, n);
      else
        clear(s.d[k], n);
    }
    s.drop = a.drop ? a.drop + block * a.R * L : nullptr;
    for (int64_t t = a.T - 1; t >= 0; --t) {
      s.saved = a.saved ? a.saved + (block * a.T + t) * rows.total : nullptr;
      s.y = slab<L>(a.y, a.T, a.R, block, t);
      const float* saved_before = t && a.saved ? s.saved - rows.total : nullptr;
      for (int k = 0; k < states; ++k) {
        if (t == 0)
          s.prev[k] = a.state0[k] ? a.state0[k] + block * a.state_rows(k) * L : zero;
        else if (k == 0)
          s.prev[k] = slab<L>(a.y, a.T, a.R, block, t - 1);
        else if (!rows.states[k].empty())
          s.prev[k] = rows.states[k].in(saved_before);
      }
      s.h = t == 0 && !a.state0[0] ? nullptr : a.drop ? rows.h_dropped.in(s.saved) : s.prev[0];
      s.wants_dh_prev = t > 0 || want_state;
      s.parity = t & 1;
      s.dz = chunk_dz + chunk.count * layout.width;
      if (d.dy) {
        const float* dy = slab<L>(d.dy, a.T, a.R, block, t);
        for_each_vector<L>(a.R, [&](auto i) { i.store(s.d[0], i.load(s.d[0]) + i.load(dy)); });
      }
      const bool has_bypass = a.mask || a.zoned(0) || a.zoned(1);
      if (has_bypass) {  // the part of the state that bypassed the step takes its gradient along
        for (int k = 0; k < states; ++k) {
          const int64_t n = a.state_rows(k);
          const float* mask = a.mask ? a.mask + (block * a.T + t) * L : nullptr;
          const float* zone = k < 2 && a.zone[k] ? slab<L>(a.zone[k], a.T, n, block, t) : nullptr;
          const vf share = set1(k < 2 ? a.zone_share[k] : 0.0f);
          for_each_vector<L>(n, [&](auto i) {
            vf keep = zone ? i.load(zone) : share;
            if (mask) keep = select(i.lane(mask) != vf{}, keep, set1(1.0f));
            const vf dstate = i.load(s.d[k]);
            i.store(bypass + k * state_size, keep * dstate);
            i.store(s.d[k], (1.0f - keep) * dstate);
          });
        }
      }
      prefetch = {};
      if (t > 0)
        prefetch = {
            .address = {saved_before, t > 1 ? s.prev[0] - a.R * L : nullptr, slab<L>(a.x, a.T, a.I, block, t - 1)},
            .remaining = {saved_before ? rows.total : 0, t > 1 ? a.R * L : 0, a.I * L}};
      C::backward(s);
      if (has_bypass)
        for (int k = 0; k < states; ++k)
          for_each_vector<L>(a.state_rows(k),
                             [&](auto i) { i.store(s.d[k], i.load(s.d[k]) + i.load(bypass + k * state_size)); });
      if (d.dx && L != 1) {
        float* dx = slab<L>(d.dx, a.T, a.I, block, t);
        backward_product<L, false>(w.x[0], s.dz, dx, prefetch);
        if (w.x[1].M) backward_product<L, true>(w.x[1], s.dz + C::SPLIT * a.H * L, dx, prefetch);
      }
      const int item = chunk.count++;
      chunk.dx[item] = d.dx ? slab<L>(d.dx, a.T, a.I, block, t) : nullptr;
      chunk.x[item] = slab<L>(a.x, a.T, a.I, block, t);
      chunk.h[item] = s.h;
      chunk.c[item] = s.prev[1];
      chunk.saved[item] = s.saved;
      if (chunk.count == CHUNK_STEPS<L>) flush_chunk<C, L>(a, chunk, chunk_dz, layout.width, zero, at, sums);
    }
    if (want_state)
      for (int k = 0; k < states; ++k) copy(d.dstate0[k] + block * a.state_rows(k) * L, s.d[k], a.state_rows(k) * L);
  }
  flush_chunk<C, L>(a, chunk, chunk_dz, layout.width, zero, at, sums);
}

// Adds a group's sums to the gradients of the weights.
inline void accumulate_group(const Recurrent& a, const RecurrentGrad& d, const GradientSums& at, Region sums,
                             bool first) {
  accumulate(sums[at.Wx], at.Wx.size, first, d.dWx);
  accumulate(sums[at.Wh], at.Wh.size, first, d.dWh);
  accumulate(sums[at.b], at.b.size, first, a.gain ? nullptr : d.db);
  accumulate(sums[at.P], at.P.size, first, a.peephole == Peephole::full ? d.dP : nullptr);
  accumulate(sums[at.Wr], at.Wr.size, first, d.dWr);
  accumulate_lanes(sums[at.lane_P], at.lane_P.size / a.lanes, a.lanes, first, d.dP);
  accumulate_lanes(sums[at.lane_gain], at.lane_gain.size / a.lanes, a.lanes, first, d.dgain);
  accumulate_lanes(sums[at.lane_b], at.lane_b.size / a.lanes, a.lanes, first, d.db);
}

template <typename C, int L>
inline void backward_layer(const Recurrent& a, const RecurrentGrad& d) {
  // A group costs a pass over as many numbers as there are weights; an item costs L multiply-adds for each weight. So
  // there are no more groups than pay off, but two wherever there are two blocks.
  const int64_t items = a.blocks * a.T / (L == 1 ? 256 : 16);
  const GradientSums at(a);
  const int64_t reduction_groups = at.total > LARGE_SUMS ? 1 : min(a.blocks, max(2, min(items, MAX_REDUCTION_GROUPS)));
  const BackwardScratch layout(a, CHUNK_STEPS<L>);
  const int workers = n_workers(reduction_groups, 2 * product_seconds<L>(a), at.total);
  Layout scratch_layout;
  const Span work = scratch_layout.add(workers * layout.total);
  const Scratch buffer(static_cast<size_t>(scratch_layout.total()));
  const Region scratch = {.begin = buffer, .size = scratch_layout.total()};
  const Weights w = prepare_weights<C, L>(a, nullptr, nullptr);
  reduce_in_order(
      reduction_groups, workers, at.total,
      [&](int64_t g, int worker, float* sums) {
        const int64_t first = g * a.blocks / reduction_groups, last = (g + 1) * a.blocks / reduction_groups;
        backward_group<C, L>(a, d, w, first, last, scratch.part(work, worker, layout.total),
                             {.begin = sums, .size = at.total});
      },
      [&](float* sums, bool first) { accumulate_group(a, d, at, {.begin = sums, .size = at.total}, first); });
}

}  // namespace gatecast::GATECAST_ISA
