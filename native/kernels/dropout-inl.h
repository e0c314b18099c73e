// Dropout by a function of the position: no mask is stored, and the backward pass is this function again.
#pragma once

#include "kernels/simd-inl.h"

namespace gatecast::GATECAST_ISA {

// A 32-bit mixing function with low bias (Wellons 2018, "hash prospector", the second generation of lowbias32).
GATECAST_INLINE uint32_t mix(uint32_t x) {
  x ^= x >> 16;
  x *= 0x21f0aaadu;
  x ^= x >> 15;
  x *= 0xd35a2d97u;
  return x ^ (x >> 15);
}

// Positions are counted in slices: about 30 microseconds of work, less is not worth waking a thread for.
inline constexpr int64_t DROPOUT_SLICE = 1 << 16;

// y = x * keep / (1 - rate) for the positions [begin, end) of an array, of which x and y point to the first. keep is a
// pure function of (key, position).
inline void dropout_range(const float* x, float* y, int64_t begin, int64_t end, float rate, uint64_t key) {
  const float scale = 1.0f / (1.0f - rate);
  const int32_t threshold = static_cast<int32_t>(rate * 16777216.0f);  // of the upper 24 bits
  while (begin < end) {
    const int64_t slice = begin / DROPOUT_SLICE;
    const uint32_t a = mix(static_cast<uint32_t>(key) + 0x9e3779b9u * static_cast<uint32_t>(slice));
    const uint32_t b = mix(a ^ static_cast<uint32_t>(key >> 32));
    const int32_t offset = static_cast<int32_t>(begin - slice * DROPOUT_SLICE);
    const int32_t count = static_cast<int32_t>(min(DROPOUT_SLICE - offset, end - begin));
    for (int32_t i = 0; i < count; ++i) {
      const int32_t bits = static_cast<int32_t>(mix(mix(static_cast<uint32_t>(i + offset) ^ a) + b) >> 8);
      const float scaled =
          x[i] * scale;  // read before the choice: a load that may not happen keeps GCC from vectorising
      y[i] = bits < threshold ? 0.0f : scaled;
    }
    x += count;
    y += count;
    begin += count;
  }
}

}  // namespace gatecast::GATECAST_ISA
