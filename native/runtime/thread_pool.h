// A small thread pool. Work is handed out by index; what an index computes never depends on who computes it.
#pragma once

#include <cstdint>

namespace gatecast {

int threads();
void set_threads(int n);  // 1 <= n <= 256
int free_threads();       // threads that a loop begun here may use: 1 inside a body

// Calls body(context, i, worker) for i = 0 .. count-1, on up to `workers` threads, and returns when all are done;
// worker < workers says which thread calls, for scratch memory. A call from several Python threads at once, or from
// inside a body, runs its own loop alone. `body` must not throw.
void run_parallel(int64_t count, int workers, void (*body)(void*, int64_t, int), void* context);

template <typename Body>
void parallel_for(int64_t count, int workers, Body&& body) {
  run_parallel(
      count, workers, [](void* context, int64_t i, int worker) { (*static_cast<Body*>(context))(i, worker); }, &body);
}

}  // namespace gatecast
