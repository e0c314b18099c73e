// Work in groups: each makes sums of its own, which are added in the order of the groups (ordered_reduction.h).
#pragma once

#include "kernels/simd-inl.h"
#include "runtime/memory_pool.h"
#include "runtime/ordered_reduction.h"
#include "runtime/thread_pool.h"

namespace gatecast::GATECAST_ISA {

inline constexpr int64_t GROUPS = 8;  // at most: a group costs a pass over its sums

// Threads of a loop over `groups`.
inline int hands(int64_t groups) {
  return static_cast<int>(least(groups, threads()));
}

// For every group: body(group, worker, sums), then add(sums, first) in the order of the groups; `sums` are `size`
// floats that the body finds zero, worker < hands(groups).
template <typename Body, typename Add>
void sum_in_turns(int64_t groups, int64_t size, Body&& body, Add&& add) {
  const int workers = hands(groups);
  const int slots = workers == 1 ? 1 : static_cast<int>(least(groups, workers + 1));
  const Scratch sums(static_cast<size_t>(slots * size));
  Turns turns(slots);
  parallel_for(groups, workers, [&](int64_t, int worker) {
    const auto hand = turns.take();
    clear(sums + hand.slot * size, size);
    body(hand.group, worker, sums + hand.slot * size);
    turns.give(hand);
    bool first;
    for (int slot; (slot = turns.turn(&first)) >= 0; turns.added(slot)) add(sums + slot * size, first);
  });
}

// out (n) += or = from, a group's sums.
inline void add_sums(const float* from, int64_t n, bool first, float* out) {
  if (!out) return;
  if (first)
    copy(out, from, n);
  else
    for (int64_t i = 0; i < n; ++i) out[i] += from[i];
}

// The same for sums that still lie in lanes.
inline void add_lanes(const float* from, int64_t n, int lanes, bool first, float* out) {
  for (int64_t i = 0; i < n; ++i) {
    float sum = first ? 0.0f : out[i];
    for (int lane = 0; lane < lanes; ++lane) sum += from[i * lanes + lane];
    out[i] = sum;
  }
}

}  // namespace gatecast::GATECAST_ISA
