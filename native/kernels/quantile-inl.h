// The quantile head, whose outputs cannot cross (defined in gatecast.heads), and the quantile loss (gatecast.losses).
// Every pass reads and writes each number once.
//
// Notation: an item is a step of a block, K target values of it, Q numbers each, L lanes; q quantiles, e = y - p.
#pragma once

#include "kernels/simd-inl.h"
#include "runtime/memory_pool.h"
#include "runtime/thread_pool.h"

namespace gatecast::GATECAST_ISA {

// ---- positions in the (K Q, L) numbers of an item -----------------------------------------------------------------

// One target value, a vector of its lanes.
template <int L>
struct LaneTargets {
  int64_t k, lane;
  vf load(const float* p, int64_t Q, int64_t i) const {
    return gatecast::GATECAST_ISA::load(p + (k * Q + i) * L + lane);
  }
  void store(float* p, int64_t Q, int64_t i, vf v) const {
    gatecast::GATECAST_ISA::store(p + (k * Q + i) * L + lane, v);
  }
  // One number for all target values.
  vf step(const float* p) const { return gatecast::GATECAST_ISA::load(p + lane); }
};
// Several target values of a single sequence; zeros beyond the last one.
struct SingleTargets {
  int64_t k;
  int count;
  vf load(const float* p, int64_t Q, int64_t i) const {
    float part[VL] = {};
    for (int n = 0; n < count; ++n) part[n] = p[(k + n) * Q + i];
    return gatecast::GATECAST_ISA::load(part);
  }
  void store(float* p, int64_t Q, int64_t i, vf v) const {
    for (int n = 0; n < count; ++n) p[(k + n) * Q + i] = v[n];
  }
  vf step(const float* p) const {
    float part[VL] = {};
    for (int n = 0; n < count; ++n) part[n] = p[0];
    return gatecast::GATECAST_ISA::load(part);
  }
};

// f(position) for every vector of K target values.
template <int L, typename F>
GATECAST_INLINE void for_each_target(int64_t K, F&& f) {
  if constexpr (L == 1) {
    for (int64_t k = 0; k < K; k += VL) f(SingleTargets{k, static_cast<int>(min(VL, K - k))});
  } else {
    for (int64_t k = 0; k < K; ++k)
      for (int64_t lane = 0; lane < L; lane += VL) f(LaneTargets<L>{k, lane});
  }
}

// Items of a task: about 10 microseconds of work. A function of the shape alone, so that the order of sums is, too.
GATECAST_INLINE int64_t items_per_task(const Quantiles& a) {
  return max(1, (1 << 14) / (a.K * a.Q * a.lanes));
}
GATECAST_INLINE int64_t n_tasks(const Quantiles& a) {
  return (a.items + items_per_task(a) - 1) / items_per_task(a);
}

// f(task, first item, last item) on all threads.
template <typename F>
void for_each_task(const Quantiles& a, F&& f) {
  const int64_t span = items_per_task(a);
  parallel_for(n_tasks(a), num_threads(),
               [&](int64_t task, int) { f(task, task * span, min(a.items, (task + 1) * span)); });
}

// ---- the head: q[mid] = r[mid], then positive(r) away from it, up and down ----------------------------------------

// positive(r) = exp(min(r, 0)) + max(r, 0), and its slope exp(min(r, 0)); NaN stays NaN.
GATECAST_INLINE vf positive_slope(vf r) {
  return exp(clamp(r, set1(-__builtin_inff()), vf{}));
}
GATECAST_INLINE vf positive(vf r) {
  return positive_slope(r) + clamp(r, vf{}, set1(__builtin_inff()));
}

template <int L>
void quantiles_forward_lanes(const Quantiles& a, const float* x, float* y) {
  for_each_task(a, [&](int64_t, int64_t first, int64_t last) {
    const int64_t K = a.K, Q = a.Q, mid = Q / 2;  // local copies: a store might alias the members
    for (int64_t n = first; n < last; ++n) {
      const float* r = x + n * K * Q * L;
      float* q = y + n * K * Q * L;
      for_each_target<L>(K, [&](auto at) {
        vf above = at.load(r, Q, mid), below = above;
        at.store(q, Q, mid, above);
        for (int64_t i = mid + 1; i < Q; ++i) at.store(q, Q, i, above += positive(at.load(r, Q, i)));
        for (int64_t i = mid - 1; i >= 0; --i) at.store(q, Q, i, below -= positive(at.load(r, Q, i)));
      });
    }
  });
}

// A distance moves all quantiles beyond it, the middle moves all of them. The slopes are recomputed from the layer's
// input, which is saved anyway: that costs less than writing and reading them.
template <int L>
void quantiles_backward_lanes(const Quantiles& a, const float* x, const float* dy, float* dx) {
  for_each_task(a, [&](int64_t, int64_t first, int64_t last) {
    const int64_t K = a.K, Q = a.Q, mid = Q / 2;
    for (int64_t n = first; n < last; ++n) {
      const float *r = x + n * K * Q * L, *dq = dy + n * K * Q * L;
      float* dr = dx + n * K * Q * L;
      for_each_target<L>(K, [&](auto at) {
        vf above = {}, below = {};
        for (int64_t i = Q - 1; i > mid; --i) {
          above += at.load(dq, Q, i);
          at.store(dr, Q, i, above * positive_slope(at.load(r, Q, i)));
        }
        for (int64_t i = 0; i < mid; ++i) {
          below += at.load(dq, Q, i);
          at.store(dr, Q, i, -below * positive_slope(at.load(r, Q, i)));
        }
        at.store(dr, Q, mid, at.load(dq, Q, mid) + above + below);
      });
    }
  });
}

// ---- the loss: max(q e, (q - 1) e), weighted ----------------------------------------------------------------------

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

// The sum of all weighted losses; d becomes `scale` times its gradient. Sums are in float64: in vectors within a task,
// then over the tasks in order.
template <int L>
double pinball_lanes(const Quantiles& a, const Pinball& p, float* d) {
  const Scratch partials(static_cast<size_t>(2 * n_tasks(a)));
  double* sums = reinterpret_cast<double*>(static_cast<float*>(partials));
  for_each_task(a, [&](int64_t task, int64_t first, int64_t last) {
    const int64_t K = a.K, Q = a.Q;
    const float *levels = p.levels, scale = p.scale;
    const bool one_weight = p.weights == 1;
    Double sum = {};
    for (int64_t n = first; n < last; ++n) {
      const float *predicted = p.prediction + n * K * Q * L, *y = p.target + n * K * L;
      const float* w = p.weight + n * p.weights * L;
      float* gradient = d + n * K * Q * L;
      for_each_target<L>(K, [&](auto at) {
        const vf target = at.load(y, 1, 0), weight = one_weight ? at.step(w) : at.load(w, 1, 0);
        const vf scaled = weight * scale;
        Double losses = {};
        for (int64_t i = 0; i < Q; ++i) {
          const vf e = target - at.load(predicted, Q, i);
          // NaN compares neither below nor equal: it gets the slope of a value above the prediction.
          const vf off_kink = select(e < vf{}, set1(1.0f - levels[i]), set1(-levels[i]));
          const vf slope = select(e == vf{}, vf{}, off_kink);
          const Double loss = widen(-slope * e);
          losses.low += loss.low;
          losses.high += loss.high;
          at.store(gradient, Q, i, slope * scaled);
        }
        const Double wide = widen(weight);
        sum.low += losses.low * wide.low;
        sum.high += losses.high * wide.high;
      });
    }
    sums[task] = sum_of(sum);
  });
  double sum = 0;
  for (int64_t task = 0; task < n_tasks(a); ++task) sum += sums[task];
  return sum;
}

}  // namespace gatecast::GATECAST_ISA
