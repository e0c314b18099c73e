// The steps of a dilated layer: phase k holds the steps k, k + rate, k + 2 rate, ...
//
// By step an array is (blocks, T, rows, L), by phase (blocks phases, steps, rows, L): what is a block there is one
// phase of a block here.
#pragma once

#include "kernels/simd-inl.h"

namespace gatecast::GATECAST_ISA {

struct Phases {
  int64_t T, phases, steps;  // phases: no more than there are steps; steps: of the longest phase

  GATECAST_INLINE Phases(int64_t T, int64_t rate)
      : T(T), phases(max(1, min(rate, T))), steps((T + phases - 1) / phases) {}

  // Whether some phases are a step shorter than others.
  GATECAST_INLINE bool uneven() const { return phases * steps != T; }

  // f(position by phase, position by step), in items of `size` floats; by step -1 behind the last step.
  template <typename F>
  GATECAST_INLINE void for_each_item(int64_t blocks, int64_t size, F&& f) const {
    for (int64_t block = 0; block < blocks; ++block)
      for (int64_t phase = 0; phase < phases; ++phase)
        for (int64_t i = 0; i < steps; ++i) {
          const int64_t t = i * phases + phase;
          f(((block * phases + phase) * steps + i) * size, t < T ? (block * T + t) * size : -1);
        }
  }

  // Zeros behind the last step.
  inline void to_phases(const float* by_step, int64_t blocks, int64_t size, float* by_phase) const {
    for_each_item(blocks, size, [&](int64_t phase, int64_t step) {
      if (step < 0)
        clear(by_phase + phase, size);
      else
        copy(by_phase + phase, by_step + step, size);
    });
  }

  inline void to_steps(const float* by_phase, int64_t blocks, int64_t size, float* by_step) const {
    for_each_item(blocks, size, [&](int64_t phase, int64_t step) {
      if (step >= 0) copy(by_step + step, by_phase + phase, size);
    });
  }
};

}  // namespace gatecast::GATECAST_ISA
