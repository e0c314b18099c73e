// Losses of predictions and targets, weighted, and their gradients (defined in gatecast.losses).
//
// Notation: an item is a step of a block, K target values of it, Q predictions each, L lanes; e = y - p.
#pragma once

#include "kernels/targets-inl.h"
#include "runtime/memory_pool.h"

namespace gatecast::GATECAST_ISA {

// A vector in float64, as two of native width: GCC sends wider ones through memory.
typedef double vd __attribute__((vector_size(VL * 4)));
typedef float vf_half __attribute__((vector_size(VL * 2)));
struct Double {
  vd low, high;
};
GATECAST_INLINE Double widen(vf v) {
  vf_half low, high;
  __builtin_memcpy(&low, &v, sizeof(low));
  __builtin_memcpy(&high, reinterpret_cast<const char*>(&v) + sizeof(low), sizeof(high));
  return {__builtin_convertvector(low, vd), __builtin_convertvector(high, vd)};
}
GATECAST_INLINE double sum_of(const Double& v) {
  const vd both = v.low + v.high;
  double sum = 0;
  for (int i = 0; i < VL / 2; ++i) sum += both[i];
  return sum;
}

// The value of a loss, and its slope with respect to the prediction.
struct LossPoint {
  vf value, slope;
};

// max(q e, (q - 1) e).
struct PinballLoss {
  const float* levels;
  LossPoint operator()(vf e, int64_t i) const {
    // NaN compares neither below nor equal: it gets the slope of a value above the prediction.
    const vf off_kink = select(e < vf{}, set1(1.0f - levels[i]), set1(-levels[i]));
    const vf slope = select(e == vf{}, vf{}, off_kink);
    return {.value = -slope * e, .slope = slope};
  }
};
struct SquaredLoss {
  LossPoint operator()(vf e, int64_t) const { return {.value = e * e, .slope = -2.0f * e}; }
};
struct AbsoluteLoss {
  LossPoint operator()(vf e, int64_t) const {
    const vf slope = select(e == vf{}, vf{}, select(e < vf{}, set1(1.0f), set1(-1.0f)));
    return {.value = -slope * e, .slope = slope};
  }
};
// With s = e limited to [-delta, delta], s (e - s / 2) is both branches at once.
struct HuberLoss {
  float delta;
  LossPoint operator()(vf e, int64_t) const {
    const vf limited = clamp(e, set1(-delta), set1(delta));
    return {.value = limited * (e - 0.5f * limited), .slope = -limited};
  }
};

// The sum of the weighted losses of some items, in float64; d becomes `scale` times the gradient.
template <int L, typename Pointwise>
inline double loss_of_items(const Loss& a, const Pointwise& loss, int64_t first, int64_t last, float* d) {
  const int64_t K = a.K, Q = a.Q;  // local copies: a store might alias the members
  const float scale = a.scale;
  const bool one_weight = a.weights == 1;
  Double sum = {};
  for (int64_t n = first; n < last; ++n) {
    const float *predicted = a.prediction + n * K * Q * L, *y = a.target + n * K * L;
    const float* w = a.weight + n * a.weights * L;
    float* gradient = d + n * K * Q * L;
    for_each_target<L>(K, [&](auto at) {
      const vf target = at.load(y, 1, 0), weight = one_weight ? at.step(w) : at.load(w, 1, 0);
      const vf scaled = weight * scale;
      Double losses = {};
      for (int64_t i = 0; i < Q; ++i) {
        const LossPoint point = loss(target - at.load(predicted, Q, i), i);
        const Double value = widen(point.value);
        losses.low += value.low;
        losses.high += value.high;
        at.store(gradient, Q, i, point.slope * scaled);
      }
      const Double wide = widen(weight);
      sum.low += losses.low * wide.low;
      sum.high += losses.high * wide.high;
    });
  }
  return sum_of(sum);
}

template <int L>
inline double loss_items(const Loss& a, int64_t first, int64_t last, float* d) {
  switch (a.kind) {
    case LossKind::squared:
      return loss_of_items<L>(a, SquaredLoss{}, first, last, d);
    case LossKind::absolute:
      return loss_of_items<L>(a, AbsoluteLoss{}, first, last, d);
    case LossKind::huber:
      return loss_of_items<L>(a, HuberLoss{a.parameters[0]}, first, last, d);
    case LossKind::pinball:
      return loss_of_items<L>(a, PinballLoss{a.parameters}, first, last, d);
  }
  __builtin_unreachable();
}

// The same for all items, on all threads: sums in vectors within a task, then over the tasks in order.
template <int L>
double loss_lanes(const Loss& a, float* d) {
  const int64_t numbers = a.K * a.Q * L;
  const Scratch partials(static_cast<size_t>(2 * n_tasks(a.items, numbers)));
  double* sums = reinterpret_cast<double*>(static_cast<float*>(partials));
  for_each_task(a.items, numbers,
                [&](int64_t task, int64_t first, int64_t last) { sums[task] = loss_items<L>(a, first, last, d); });
  double sum = 0;
  for (int64_t task = 0; task < n_tasks(a.items, numbers); ++task) sum += sums[task];
  return sum;
}

}  // namespace gatecast::GATECAST_ISA
