// Vectors of float64, for the smoothing models: their sums over time lose too many digits in float32.
#pragma once

#include "kernels/simd-inl.h"

namespace gatecast::GATECAST_ISA {

inline constexpr int DOUBLES = VL / 2;  // float64 in a vector

typedef double vd __attribute__((vector_size(DOUBLES * 8)));
typedef double vd_any __attribute__((vector_size(DOUBLES * 8), aligned(8), may_alias));

GATECAST_INLINE vd load(const double* p) {
  return *reinterpret_cast<const vd_any*>(p);
}
GATECAST_INLINE void store(double* p, vd v) {
  *reinterpret_cast<vd_any*>(p) = v;
}
GATECAST_INLINE vd set1(double a) {
  return a - vd{};
}

// The first `count` of a vector, the rest `fill`, and their way back.
GATECAST_INLINE vd load_part(const double* p, int64_t count, double fill = 0) {
  if (count >= DOUBLES) return load(p);
  double part[DOUBLES];
  for (int i = 0; i < DOUBLES; ++i) part[i] = i < count ? p[i] : fill;
  return load(part);
}
GATECAST_INLINE void store_part(double* p, vd v, int64_t count) {
  if (count >= DOUBLES) return store(p, v);
  double part[DOUBLES];
  store(part, v);
  for (int i = 0; i < count; ++i) p[i] = part[i];
}

}  // namespace gatecast::GATECAST_ISA
