// Vectors of float64, for the models of single series: their sums over time lose too many digits in float32.
#pragma once

#include "kernels/simd-inl.h"
#include "runtime/thread_pool.h"

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

// log(x) of positive normal x: x = 2^n m with m from sqrt(1/2) to sqrt(2), log(m) = 2 artanh(s) with
// s = (m - 1) / (m + 1), |s| < .172, its series up to s^23; relative error below 1e-15 away from 1, absolute below
// 1e-16.
GATECAST_INLINE vd log(vd x) {
  typedef int64_t vi64 __attribute__((vector_size(DOUBLES * 8)));
  constexpr int64_t ROOT = 0x3fe6a09e667f3bcd;                                  // sqrt(1/2)
  const vi64 bits = reinterpret_cast<vi64>(x), exponent = (bits - ROOT) >> 52;  // of x / sqrt(1/2), rounded down
  const vd m = reinterpret_cast<vd>(bits - (exponent << 52));
  const vd round = set1(6755399441055744.0);  // 1.5 x 2^52: its last bits are a signed number
  const vd n = reinterpret_cast<vd>(reinterpret_cast<vi64>(round) + exponent) - round;
  const vd s = (m - 1.0) / (m + 1.0), q = s * s;
  vd p = set1(2.0 / 23);
#pragma GCC unroll 11
  for (int k = 21; k >= 1; k -= 2) p = p * q + 2.0 / k;
  return n * 0.693147180369123816490 + (p * s + n * 1.90821492927058770002e-10);  // ln 2 in two parts
}

// exp(x) for |x| <= 709: x = n ln 2 + r, |r| <= ln 2 / 2, and the series of e^r up to r^13; relative error below 1e-15.
GATECAST_INLINE vd exp(vd x) {
  typedef int64_t vi64 __attribute__((vector_size(DOUBLES * 8)));
  const vd round = set1(6755399441055744.0);
  const vd shifted = x * 1.44269504088896340736 + round, n = shifted - round;
  vd r = x - n * 0.693147180369123816490;
  r = r - n * 1.90821492927058770002e-10;
  constexpr double FACTORIALS[] = {1,    1,     2,      6,       24,       120,       720,
                                   5040, 40320, 362880, 3628800, 39916800, 479001600, 6227020800};
  vd p = set1(1 / FACTORIALS[13]);
#pragma GCC unroll 13
  for (int k = 12; k >= 0; --k) p = p * r + 1 / FACTORIALS[k];
  return p * reinterpret_cast<vd>((reinterpret_cast<vi64>(shifted) + 1023) << 52);
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

inline constexpr int64_t VECTORS_PER_TASK = 4;

// f(first series, series, worker) for every vector of series.
template <typename F>
GATECAST_INLINE void for_vectors(int64_t series, int workers, F&& f) {
  const int64_t task_size = VECTORS_PER_TASK * DOUBLES, tasks = (series + task_size - 1) / task_size;
  parallel_for(tasks, workers, [&](int64_t task, int worker) {
    const int64_t end = min(series, (task + 1) * task_size);
    for (int64_t b = task * task_size; b < end; b += DOUBLES) f(b, min(end - b, DOUBLES), worker);
  });
}

}  // namespace gatecast::GATECAST_ISA
