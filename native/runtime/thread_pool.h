// A small thread pool. Work is handed out by index; what an index computes never depends on the thread.
#pragma once

#include <cstdint>

namespace gatecast {

int num_threads();
void set_num_threads(int n);     // 1 <= n <= 256
int available_threads();         // threads that a loop started here may use: 1 inside a body
void share_threads(int change);  // so many more (or fewer) computations run side by side: each gets its share
// The same for a loop that takes so many seconds on one thread: 1 where handing it out would cost about what it saves.
// What that costs is measured, twice a second where it is asked for: some tenths of a microsecond between neighbouring
// cores, ten times as much between others, and a hundred times while another process has a core.
int worthwhile_threads(double seconds);

// What it takes to get so many floats from the cache of another core, twice: about 10 GB in a second.
inline double fetch_seconds(int64_t floats) {
  return 2 * static_cast<double>(floats) * sizeof(float) * 1e-10;
}

// Calls body(context, i, worker) for i = 0 .. count-1, on up to `workers` threads, and returns when all are done;
// worker < workers identifies the calling thread, for its scratch memory. Nested calls, and calls while another
// Python thread uses the pool, run serially on their own thread. `body` must not throw.
void run_parallel(int64_t count, int workers, void (*body)(void*, int64_t, int), void* context);

template <typename Body>
void parallel_for(int64_t count, int workers, Body&& body) {
  run_parallel(
      count, workers, [](void* context, int64_t i, int worker) { (*static_cast<Body*>(context))(i, worker); }, &body);
}

}  // namespace gatecast
