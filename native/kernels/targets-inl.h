// Loops over target values: Q numbers each, K of them in an item (a step of a block), L lanes.
#pragma once

#include "kernels/simd-inl.h"
#include "runtime/thread_pool.h"

namespace gatecast::GATECAST_ISA {

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

// Items of a task, of `numbers` numbers each: about 10 microseconds of work. A function of the shape alone, so that the
// order of sums is, too.
GATECAST_INLINE int64_t items_per_task(int64_t numbers) {
  return max(1, (1 << 14) / numbers);
}
GATECAST_INLINE int64_t n_tasks(int64_t items, int64_t numbers) {
  return (items + items_per_task(numbers) - 1) / items_per_task(numbers);
}

// f(task, first item, last item) on all threads.
template <typename F>
void for_each_task(int64_t items, int64_t numbers, F&& f) {
  const int64_t span = items_per_task(numbers);
  parallel_for(n_tasks(items, numbers), num_threads(),
               [&](int64_t task, int) { f(task, task * span, min(items, (task + 1) * span)); });
}

}  // namespace gatecast::GATECAST_ISA
