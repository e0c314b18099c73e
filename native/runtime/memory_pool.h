// A pool of 64-byte aligned memory: after its first step a training run asks the system for nothing more.
#pragma once

#include <cstddef>

namespace gatecast {

// At least `count` floats, aligned to a cache line, uninitialised. Thread-safe. Throws std::bad_alloc.
float* acquire(size_t count);
void release(float* p) noexcept;  // p comes from acquire(), or is null
// The end of a run: what the pool holds for reuse beyond 256 MB goes back to the system.
void release_memory() noexcept;
// Gives all memory that is not in use back to the system.
void trim() noexcept;
// How many times the system was asked for memory so far.
size_t system_requests() noexcept;

// A buffer that lives as long as its scope. Always inlined: see the linkage rule in kernels/simd-inl.h.
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
