// Reductions over groups: each group makes partial sums, which are added in the order of the groups
// (runtime/ordered_reduction.h).
#pragma once

#include "kernels/simd-inl.h"
#include "runtime/memory_pool.h"
#include "runtime/ordered_reduction.h"
#include "runtime/thread_pool.h"

namespace gatecast::GATECAST_ISA {

inline constexpr int64_t MAX_REDUCTION_GROUPS = 8;  // a group costs one pass over its sums

// Sums of more floats than this do not lie in the caches of a core, and those of several cores push each other out of
// the outer one. They are made by one group, whose products are split over the threads by their outputs.
inline constexpr int64_t LARGE_SUMS = 1 << 20;

// Threads of a loop over `reduction_groups`.
inline int n_workers(int64_t reduction_groups) {
  return static_cast<int>(min(reduction_groups, num_threads()));
}

// What a loop costs amid other work besides the hand-over that is measured, in seconds.
inline constexpr double LOOP_SECONDS = 1e-5;

// The same for a loop that takes so many seconds and adds `size` floats, which come from the caches of other cores.
inline int n_workers(int64_t reduction_groups, double seconds, int64_t size) {
  return static_cast<int>(min(reduction_groups, worthwhile_threads(seconds - LOOP_SECONDS - fetch_seconds(size))));
}

// For every group: body(group, worker, sums), then add(sums, first) in the order of the groups. `sums` are `size`
// floats, zero when the body gets them; worker < workers.
template <typename Body, typename Add>
void reduce_in_order(int64_t reduction_groups, int workers, int64_t size, Body&& body, Add&& add) {
  // One buffer more than workers: a thread whose group waits for its turn can start another one.
  const int buffers = workers == 1 ? 1 : static_cast<int>(min(reduction_groups, workers + 1));
  const Scratch sums(static_cast<size_t>(buffers * size));
  OrderedReduction reduction(buffers);
  parallel_for(reduction_groups, workers, [&](int64_t, int worker) {
    const auto partial = reduction.acquire();
    clear(sums + partial.buffer * size, size);
    body(partial.group, worker, sums + partial.buffer * size);
    reduction.submit(partial);
    bool first;
    for (int buffer; (buffer = reduction.next(&first)) >= 0; reduction.finish(buffer)) add(sums + buffer * size, first);
  });
}

// Adds a group's partial sums to out (n), or copies them where the group is the first; out may be null.
inline void accumulate(const float* partial, int64_t n, bool first, float* out) {
  if (!out) return;
  if (first)
    copy(out, partial, n);
  else
    for (int64_t i = 0; i < n; ++i) out[i] += partial[i];
}

// The same for partial sums (n, lanes), which are summed over the lanes here.
inline void accumulate_lanes(const float* partial, int64_t n, int lanes, bool first, float* out) {
  for (int64_t i = 0; i < n; ++i) {
    float sum = first ? 0.0f : out[i];
    for (int lane = 0; lane < lanes; ++lane) sum += partial[i * lanes + lane];
    out[i] = sum;
  }
}

}  // namespace gatecast::GATECAST_ISA
