// A small thread pool. Work is handed out by index; what an index computes never depends on who computes it.
#pragma once

#include <cstdint>

namespace gatecast {

int threads();
void set_threads(int n);  // 1 <= n <= 256

// Calls body(context, i) for i = 0 .. count-1, on up to threads() threads, and returns when all are done. A call
// from several Python threads at once, or from inside a body, runs its own loop alone. `body` must not throw.
void run_parallel(int64_t count, void (*body)(void*, int64_t), void* context);

template <typename Body>
void parallel_for(int64_t count, Body&& body) {
  run_parallel(count, [](void* context, int64_t i) { (*static_cast<Body*>(context))(i); }, &body);
}

}  // namespace gatecast
