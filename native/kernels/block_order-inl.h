// A training step of a stack of layers in block order: a few blocks go forward through all layers and the loss, and
// backward again, before the next ones start. What the backward pass reads is then still in the cache, and threads wait
// for each other once a step, not twice a layer.
//
// Blocks never read one another, so the order changes no number of a block. Sums over blocks are made by reduction
// groups, which depend on the shape alone and are added in their order: the same bits for any number of threads.
// Everything is in LANES: batches of a few sequences run layer by layer.
#pragma once

#include "kernels/cells-inl.h"
#include "kernels/dense-inl.h"
#include "kernels/dropout-inl.h"
#include "kernels/loss-inl.h"
#include "kernels/phases-inl.h"
#include "kernels/quantile-inl.h"
#include "kernels/scan-inl.h"

namespace gatecast::GATECAST_ISA {

// Groups of a step, at most. More than a layer by itself has: a group is a step of many layers here, and where another
// process takes a core for a moment, small groups let the other cores take over more of the rest.
inline constexpr int64_t MAX_STACK_GROUPS = 16;

// Blocks that go through the stack together: as many as it takes to fill a pass over the weights' gradients.
GATECAST_INLINE int64_t blocks_per_unit(int64_t T) {
  return T >= CHUNK_STEPS<LANES> ? 1 : (CHUNK_STEPS<LANES> + T - 1) / T;
}

// A recurrent layer for questions of size: with dropout of h, whose array each unit makes for itself, it saves one
// more.
inline Recurrent sized_recurrent(const StackLayer& layer) {
  Recurrent a = layer.recurrent;
  if (layer.rate > 0) a.drop = a.b;
  return a;
}

// Where the arrays of a unit lie in a thread's scratch, and how a group's sums follow each other.
struct StackLayout {
  int64_t unit_blocks, units, groups;
  int64_t steps[MAX_STACK_LAYERS + 1];  // of the input of each layer, and of the output
  Span inner[MAX_STACK_LAYERS];         // what a layer makes: of a recurrent one h of all steps
  Span output[MAX_STACK_LAYERS];        // the input of the next layer; often the same
  Span saved[MAX_STACK_LAYERS], states[MAX_STACK_LAYERS];
  Span keep[MAX_STACK_LAYERS];                                             // dropout of a sequence: 0 or 1 / (1 - rate)
  Span input_by_phase[MAX_STACK_LAYERS], mask_by_phase[MAX_STACK_LAYERS];  // of dilated layers, as is `inner`
  Span gradients_by_phase[2];
  Span gradients[2], work;
  int64_t thread_total;
  Span sums[MAX_STACK_LAYERS];
  int64_t sums_total;
  Span packed[MAX_STACK_LAYERS], zero;
  int64_t shared_total;

  explicit StackLayout(const Stack& s) {
    unit_blocks = min(s.blocks, blocks_per_unit(s.T));
    units = (s.blocks + unit_blocks - 1) / unit_blocks;
    groups = min(units, max(2, min(s.blocks * s.T / 16, MAX_STACK_GROUPS)));
    Layout thread, sum, shared;
    int64_t largest = 0, largest_by_phase = 0, work_size = 0, zeros = 0;
    steps[0] = s.T;
    for (int k = 0; k < s.count; ++k) {
      const StackLayer& layer = s.layers[k];
      const int64_t items = unit_blocks * steps[k];
      steps[k + 1] = layer.sequences ? steps[k] : 1;
      const int64_t out = unit_blocks * steps[k + 1] * layer.rows_out * LANES;
      largest = max(largest, max(items * layer.rows_in * LANES, out));
      const Phases phases(steps[k], layer.dilation);
      const int64_t items_by_phase = unit_blocks * phases.phases * phases.steps;
      inner[k] = thread.add(items_by_phase * layer.rows_out * LANES);
      output[k] = layer.residual || layer.dilation > 1 ? thread.add(out) : inner[k];
      if (layer.dilation > 1) {
        input_by_phase[k] = thread.add(items_by_phase * layer.rows_in * LANES);
        mask_by_phase[k] = thread.add(s.mask || phases.uneven() ? items_by_phase * LANES : 0);
        largest_by_phase = max(largest_by_phase, items_by_phase * max(layer.rows_in, layer.rows_out) * LANES);
      }
      if (layer.kind == StackKind::recurrent) {
        const Recurrent a = sized_recurrent(layer);
        keep[k] = thread.add(layer.rate > 0 ? unit_blocks * a.R * LANES : 0);
        saved[k] = thread.add(items_by_phase * SavedRows(a).total);
        int64_t state_rows = 0;
        for (int i = 0; i < a.size().states; ++i) state_rows += a.state_rows(i);
        states[k] = thread.add(unit_blocks * phases.phases * state_rows * LANES);
        if (!layer.sequences) output[k] = {.offset = states[k].offset, .size = out};
        work_size = max(work_size, max(ForwardScratch(a).total, BackwardScratch(a, CHUNK_STEPS<LANES>).total));
        sums[k] = sum.add(GradientSums(a).total);
        packed[k] = shared.add(packed_weights_size(a));
        zeros = max(zeros, max(a.gradients(), a.R));
      } else if (layer.kind == StackKind::dropout) {
        keep[k] = thread.add(layer.all_steps ? unit_blocks * layer.rows_in * LANES : 0);
      } else if (layer.kind == StackKind::dense) {
        work_size = max(work_size, dense_scratch_size<LANES>(layer.dense));
        sums[k] = sum.add((layer.dense.K + 1) * layer.dense.M);
        packed[k] = shared.add(layer.dense.K * layer.dense.M);
      }
    }
    for (Span& gradient : gradients) gradient = thread.add(largest + PANEL);
    for (Span& gradient : gradients_by_phase) gradient = thread.add(largest_by_phase);
    work = thread.add(work_size);
    zero = shared.add(zeros);
    thread_total = thread.total();
    sums_total = sum.total();
    shared_total = shared.total();
  }
};

// The weights of all layers, prepared once per step and read by all threads.
struct StackWeights {
  Weights forward[MAX_STACK_LAYERS], backward[MAX_STACK_LAYERS];
  Matrix dense[MAX_STACK_LAYERS];

  StackWeights(const Stack& s, const StackLayout& layout, Region shared) {
    clear(shared[layout.zero], layout.zero.size);
    for (int k = 0; k < s.count; ++k) {
      float* packed = shared[layout.packed[k]];
      if (s.layers[k].kind == StackKind::dense) dense[k] = prepare_dense<LANES>(s.layers[k].dense, packed);
      if (s.layers[k].kind != StackKind::recurrent) continue;
      Recurrent a = s.layers[k].recurrent;
      a.T = s.T;
      with_cell(a.cell, [&]<typename C>() {
        forward[k] = prepare_weights<C, LANES>(a, packed, shared[layout.zero]);
        backward[k] = prepare_weights<C, LANES>(a, nullptr, nullptr);
      });
    }
  }
};

// All blocks of a recurrent layer: functions of their own, so that the code of one cell does not depend on how many
// others there are.
template <typename C>
GATECAST_NOINLINE void forward_blocks(const Recurrent& a, const Weights& w, Region work) {
  for (int64_t block = 0; block < a.blocks; ++block) forward_block<C, LANES>(a, w, block, work);
}
template <typename C>
GATECAST_NOINLINE void backward_blocks(const Recurrent& a, const RecurrentGrad& d, const Weights& w, Region work,
                                       Region sums) {
  backward_group<C, LANES>(a, d, w, 0, a.blocks, work, sums);
}

// One unit on one thread: its blocks, and the thread's scratch.
struct StackUnit {
  const Stack& s;
  const StackLayout& layout;
  const StackWeights& weights;
  Region scratch;
  int64_t first, blocks;

  // The input of layer k; of k = count the output of the stack.
  const float* input(int k) const {
    return k ? scratch[layout.output[k - 1]] : s.x + first * s.T * s.layers[0].rows_in * LANES;
  }

  const float* mask() const { return s.mask ? s.mask + first * s.T * LANES : nullptr; }
  bool dilated(int k) const { return s.layers[k].dilation > 1; }
  Phases phases_of(int k) const { return {layout.steps[k], s.layers[k].dilation}; }

  Recurrent recurrent(int k) const {
    Recurrent a = s.layers[k].recurrent;
    const Phases phases = phases_of(k);
    a.blocks = blocks * phases.phases;
    a.T = phases.steps;
    a.x = dilated(k) ? scratch[layout.input_by_phase[k]] : input(k);
    a.mask = !dilated(k) ? mask() : layout.mask_by_phase[k].empty() ? nullptr : scratch[layout.mask_by_phase[k]];
    a.y = scratch[layout.inner[k]];
    a.drop = layout.keep[k].empty() ? nullptr : scratch[layout.keep[k]];
    a.saved = layout.saved[k].empty() ? nullptr : scratch[layout.saved[k]];
    float* state = scratch[layout.states[k]];
    for (int i = 0; i < a.size().states; ++i) {
      a.stateT[i] = state;
      state += layout.unit_blocks * phases.phases * a.state_rows(i) * LANES;
    }
    return a;
  }

  Dense dense(int k) const {
    Dense a = s.layers[k].dense;
    a.items = blocks * layout.steps[k];
    a.x = input(k);
    a.y = scratch[layout.inner[k]];
    return a;
  }

  Quantiles quantiles(int k) const {
    const StackLayer& layer = s.layers[k];
    return {.lanes = LANES, .items = blocks * layout.steps[k], .K = layer.rows_in / layer.Q, .Q = layer.Q};
  }

  // The range of positions of this unit in the input of layer k.
  int64_t position(int k, int64_t block) const { return block * layout.steps[k] * s.layers[k].rows_in * LANES; }

  // What is kept of `rows` features of each sequence, the same at all its steps.
  void draw_keep(int k, int64_t rows) const {
    float* keep = scratch[layout.keep[k]];
    const int64_t begin = first * rows * LANES, n = blocks * rows * LANES;
    for (int64_t i = 0; i < n; ++i) keep[i] = 1.0f;
    dropout_range(keep, keep, begin, begin + n, s.layers[k].rate, s.layers[k].key);
  }

  // y = x * keep, in the shape of the input of layer k; or their gradients.
  void apply_dropout(int k, const float* x, float* y) const {
    const StackLayer& layer = s.layers[k];
    if (!layer.all_steps)
      return dropout_range(x, y, position(k, first), position(k, first + blocks), layer.rate, layer.key);
    const int64_t steps = layout.steps[k], n = layer.rows_in * LANES;
    for (int64_t item = 0; item < blocks * steps; ++item) {
      const float* keep = scratch[layout.keep[k]] + item / steps * n;
      for_each_vector<LANES>(layer.rows_in,
                             [&](auto at) { at.store(y + item * n, at.load(x + item * n) * at.load(keep)); });
    }
  }

  // What a dilated layer reads: its inputs by phase, and which of these are steps that count.
  void enter_phases(int k, int64_t rows) const {
    const Phases phases = phases_of(k);
    phases.to_phases(input(k), blocks, rows * LANES, scratch[layout.input_by_phase[k]]);
    if (layout.mask_by_phase[k].empty()) return;
    float* by_phase = scratch[layout.mask_by_phase[k]];
    phases.for_each_item(blocks, LANES, [&](int64_t phase, int64_t step) {
      for (int lane = 0; lane < LANES; ++lane)
        by_phase[phase + lane] = step < 0 ? 0.0f : s.mask ? mask()[step + lane] : 1.0f;
    });
  }

  const float* gradient_by_phase(int k, const float* dy) const {
    float* by_phase = scratch[layout.gradients_by_phase[0]];
    phases_of(k).to_phases(dy, blocks, s.layers[k].rows_out * LANES, by_phase);
    return by_phase;
  }

  void forward() const {
    for (int k = 0; k < s.count; ++k) {
      const StackLayer& layer = s.layers[k];
      const float* x = input(k);
      float* y = scratch[layout.inner[k]];
      switch (layer.kind) {
        case StackKind::recurrent: {
          const Recurrent a = recurrent(k);
          if (a.drop) draw_keep(k, a.R);
          if (dilated(k)) enter_phases(k, a.I);
          const Region work = {.begin = scratch[layout.work], .size = layout.work.size};
          with_cell(a.cell, [&]<typename C>() { forward_blocks<C>(a, weights.forward[k], work); });
          break;
        }
        case StackKind::dense: {
          const Dense a = dense(k);
          dense_forward_items<LANES>(a, weights.dense[k], 0, a.items);
          break;
        }
        case StackKind::dropout:
          if (layer.all_steps) draw_keep(k, layer.rows_in);
          apply_dropout(k, x, y);
          break;
        case StackKind::quantiles: {
          const Quantiles a = quantiles(k);
          quantiles_forward_items<LANES>(a, 0, a.items, x, y);
          break;
        }
      }
      if (dilated(k)) {
        y = scratch[layout.output[k]];
        phases_of(k).to_steps(scratch[layout.inner[k]], blocks, layer.rows_out * LANES, y);
      }
      if (layer.residual) {
        float* sum = scratch[layout.output[k]];
        for_each_vector<LANES>(blocks * layout.steps[k] * layer.rows_out,
                               [&](auto at) { at.store(sum, at.load(x) + at.load(y)); });
      }
    }
  }

  // The loss of the unit; the gradient of the output becomes `dy`.
  double loss(float* dy) const {
    Loss a = s.loss;
    const int64_t T = layout.steps[s.count], before = first * T;
    a.items = blocks * T;
    a.prediction = input(s.count);
    a.target += before * a.K * LANES;
    a.weight += before * a.weights * LANES;
    return loss_items<LANES>(a, 0, a.items, dy);
  }

  // From the gradient of the output; the other buffer takes turns with it. Adds the weights' gradients to `sums`.
  void backward(float* dy, float* other, Region sums) const {
    const Region work = {.begin = scratch[layout.work], .size = layout.work.size};
    for (int k = s.count - 1; k >= 0; --k) {
      const StackLayer& layer = s.layers[k];
      float* dx = k > 0 ? other : s.dx ? s.dx + position(0, first) : nullptr;
      const Region own = {.begin = sums[layout.sums[k]], .size = layout.sums[k].size};
      switch (layer.kind) {
        case StackKind::recurrent: {
          const Recurrent a = recurrent(k);
          RecurrentGrad d = {};
          (layer.sequences ? d.dy : d.dstateT[0]) = dilated(k) ? gradient_by_phase(k, dy) : dy;
          d.dx = dx && dilated(k) ? scratch[layout.gradients_by_phase[1]] : dx;
          with_cell(a.cell, [&]<typename C>() { backward_blocks<C>(a, d, weights.backward[k], work, own); });
          if (dx && dilated(k)) phases_of(k).to_steps(d.dx, blocks, layer.rows_in * LANES, dx);
          break;
        }
        case StackKind::dense: {
          const Dense a = dense(k);
          dense_backward_items<LANES>(a, {.dy = dy, .dx = dx, .dW = nullptr, .db = nullptr}, 0, a.items, work.begin,
                                      own.begin);
          break;
        }
        case StackKind::dropout:
          if (dx) apply_dropout(k, dy, dx);
          break;
        case StackKind::quantiles: {
          const Quantiles a = quantiles(k);
          if (dx) quantiles_backward_items<LANES>(a, 0, a.items, input(k), dy, dx);
          break;
        }
      }
      if (layer.residual && dx)
        for_each_vector<LANES>(blocks * layout.steps[k] * layer.rows_in,
                               [&](auto at) { at.store(dx, at.load(dx) + at.load(dy)); });
      other = dy;
      dy = dx;
    }
  }
};

// Adds a group's sums to the gradients of all weights.
inline void accumulate_stack(const Stack& s, const StackLayout& layout, Region sums, bool first) {
  for (int k = 0; k < s.count; ++k) {
    const StackLayer& layer = s.layers[k];
    const Region own = {.begin = sums[layout.sums[k]], .size = layout.sums[k].size};
    if (layer.kind == StackKind::recurrent)
      accumulate_group(layer.recurrent, layer.recurrent_grad, GradientSums(layer.recurrent), own, first);
    if (layer.kind == StackKind::dense) accumulate_dense(layer.dense, layer.dense_grad, own.begin, first);
  }
}

// The sum of the weighted losses; all gradients are written.
inline double train_stack_lanes(const Stack& s) {
  const StackLayout layout(s);
  const int workers = n_workers(layout.groups);
  const int64_t outputs = layout.steps[s.count] * s.loss.K * s.loss.Q * LANES;  // of a block
  const Scratch shared(static_cast<size_t>(layout.shared_total)), losses(static_cast<size_t>(2 * layout.units)),
      threads(static_cast<size_t>(workers * layout.thread_total));
  double* loss_of_unit = reinterpret_cast<double*>(static_cast<float*>(losses));
  const StackWeights weights(s, layout, {.begin = shared, .size = layout.shared_total});
  reduce_in_order(
      layout.groups, workers, layout.sums_total,
      [&](int64_t group, int worker, float* sums) {
        const Region scratch = {.begin = threads + worker * layout.thread_total, .size = layout.thread_total};
        const int64_t last = (group + 1) * layout.units / layout.groups;
        for (int64_t n = group * layout.units / layout.groups; n < last; ++n) {
          const int64_t first = n * layout.unit_blocks;
          const StackUnit unit = {.s = s,
                                  .layout = layout,
                                  .weights = weights,
                                  .scratch = scratch,
                                  .first = first,
                                  .blocks = min(layout.unit_blocks, s.blocks - first)};
          float* dy = scratch[layout.gradients[0]];
          unit.forward();
          loss_of_unit[n] = unit.loss(dy);
          if (s.dy) copy(s.dy + first * outputs, dy, unit.blocks * outputs);
          unit.backward(dy, scratch[layout.gradients[1]], {.begin = sums, .size = layout.sums_total});
        }
      },
      [&](float* sums, bool first) { accumulate_stack(s, layout, {.begin = sums, .size = layout.sums_total}, first); });
  double sum = 0;
  for (int64_t n = 0; n < layout.units; ++n) sum += loss_of_unit[n];
  return sum;
}

}  // namespace gatecast::GATECAST_ISA
