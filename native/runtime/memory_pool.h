// Recycled, 64-byte aligned memory: after the first step of a training run nothing is asked of the system again.
#pragma once

#include <cstddef>

namespace gatecast {

// At least `count` floats, aligned to a cache line, not cleared. Thread-safe. Throws std::bad_alloc.
float* acquire(size_t count);
void release(float* p) noexcept;
// A run is over: what it held back beyond 256 MB goes back to the system.
void relax() noexcept;
// How often the system was asked for memory so far.
size_t requests() noexcept;
// Gives all memory that is not in use back to the system.
void trim() noexcept;

// A buffer for the length of a scope. Always inlined: see the linkage rule in kernels/simd-inl.h.
class Scratch {
 public:
  __attribute__((always_inline)) explicit Scratch(size_t count) : p_(acquire(count)) {}
  __attribute__((always_inline)) ~Scratch() { release(p_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  __attribute__((always_inline)) operator float*() const { return p_; }

 private:
  float* p_;
};

}  // namespace gatecast
