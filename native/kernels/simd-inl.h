// Vectors of the instruction set that this file is compiled for, and the three functions that gates need.
//
// Every kernel source is compiled once per instruction-set level into the namespace gatecast::GATECAST_ISA.
// Nothing in a -inl.h file may have linkage outside that namespace: the linker merges an inline function that two
// levels share, and a machine could then run instructions of the higher one. So kernels use no standard containers or
// algorithms, only these types and plain loops.
#pragma once

#include <cstddef>
#include <cstdint>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#include "include/types.h"

#define GATECAST_NOINLINE __attribute__((noinline)) inline  // one copy, shared by all cells

namespace gatecast::GATECAST_ISA {

// VL: floats in a vector. ROWS x COLS: the register tile, in rows of weights x vectors of lanes. A tile wants at
// least eight accumulators (FMA latency 4 x 2 a cycle) and must leave registers for COLS vectors and one broadcast:
//   16 registers (SSE, AVX2): 6 x 2 = 12 + 2 + 1;  32 registers: 12 x 1 with the broadcast in the FMA's operand
//   (AVX-512; see PAIRED_ROWS in gemm-inl.h), 5 x 4 (NEON).
#if defined(__AVX512F__)
inline constexpr int VL = 16, ROWS = 12, COLS = 1, GRAD_COLS = 2;
#elif defined(__AVX2__)
inline constexpr int VL = 8, ROWS = 6, COLS = 2, GRAD_COLS = 2;
#elif defined(__aarch64__)
inline constexpr int VL = 4, ROWS = 5, COLS = 4, GRAD_COLS = 4;
#else
inline constexpr int VL = 4, ROWS = 6, COLS = 2, GRAD_COLS = 2;
#endif
inline constexpr int VECTORS = LANES / VL;  // vectors in one row of lanes

// Unaligned and aliasing by type: arrays from Python carry no promise, and an aligned address costs nothing extra.
typedef float vf __attribute__((vector_size(VL * 4)));
typedef int32_t vi __attribute__((vector_size(VL * 4)));
typedef float vf_any __attribute__((vector_size(VL * 4), aligned(4), may_alias));

GATECAST_INLINE vf load(const float* p) {
  return *reinterpret_cast<const vf_any*>(p);
}
GATECAST_INLINE void store(float* p, vf v) {
  *reinterpret_cast<vf_any*>(p) = v;
}
GATECAST_INLINE vf set1(float a) {
  return a - vf{};
}
// set1 of two neighbours with one load, where VL is 16: both in every pair of lanes, then each picked out in registers.
GATECAST_INLINE void set1_pair(const float* p, vf& first, vf& second) {
#if defined(__AVX512F__)
  typedef double double_any __attribute__((aligned(4), may_alias));
  const __m512 both = _mm512_castpd_ps(_mm512_set1_pd(*reinterpret_cast<const double_any*>(p)));
  first = _mm512_moveldup_ps(both);
  second = _mm512_movehdup_ps(both);
#else
  first = set1(p[0]);
  second = set1(p[1]);
#endif
}
// p[0], p[1], p[0], p[1], ...; as integers, because a number of twice the width may be any bits.
GATECAST_INLINE vf repeat_pair(const float* p) {
  typedef int64_t vi2 __attribute__((vector_size(VL * 4)));
  typedef int64_t pair_any __attribute__((aligned(4), may_alias));
  return reinterpret_cast<vf>(*reinterpret_cast<const pair_any*>(p) - vi2{});
}
GATECAST_INLINE vf select(vi mask, vf yes, vf no) {
  return reinterpret_cast<vf>((reinterpret_cast<vi>(yes) & mask) | (reinterpret_cast<vi>(no) & ~mask));
}

// x limited to [low, high]; NaN stays NaN. GCC makes a comparison and a blend of `x < low ? low : x`: twice the work.
GATECAST_INLINE vf clamp(vf x, vf low, vf high) {
#if defined(__AVX512F__)
  return _mm512_min_ps(high, _mm512_max_ps(low, x));
#elif defined(__AVX2__)
  return _mm256_min_ps(high, _mm256_max_ps(low, x));
#elif defined(__x86_64__)
  return _mm_min_ps(high, _mm_max_ps(low, x));
#elif defined(__aarch64__)
  return (vf)vminq_f32((float32x4_t)high, vmaxq_f32((float32x4_t)low, (float32x4_t)x));
#else
  x = x < low ? low : x;
  return x > high ? high : x;
#endif
}

// exp(x): x = n ln2 + r, |r| <= ln2 / 2, with ln2 in two parts so that n ln2 is exact, and the minimax polynomial of
// degree 5 for e^r with constant term 1 (relative error 9.2e-8, so that sigmoid(0) is 1/2 exactly). Clamped to
// [-87.3, 87.3], where sigmoid is still a normal number; relative error below 2.5e-7 there; NaN stays NaN.
GATECAST_INLINE vf exp(vf x) {
  x = clamp(x, set1(-87.3f), set1(87.3f));
#if defined(__AVX512F__)
  const vf n = _mm512_roundscale_ps(x * 1.44269504f, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
#else
  const vf round = set1(12582912.0f);  // 1.5 x 2^23
  const vf shifted = x * 1.44269504f + round, n = shifted - round;
#endif
  vf r = x - n * 0.693359375f;
  r = r + n * 2.12194440e-4f;
  vf p = set1(8.2902721008e-3f);
  p = p * r + 4.1898159624e-2f;
  p = p * r + 1.6667638127e-1f;
  p = p * r + 4.9999147841e-1f;
  p = p * r + 9.9999970631e-1f;
  p = p * r + 1.0f;
#if defined(__AVX512F__)
  return _mm512_scalef_ps(p, n);
#else
  // 2^n as a number, times p: added to p's exponent, n would turn the payload of a NaN into a number.
  return p * reinterpret_cast<vf>((reinterpret_cast<vi>(shifted) << 23) + 0x3f800000);
#endif
}

// sigmoid(x) = 1 / (1 + e^-x); relative error below 4e-7 for x > -87; NaN stays NaN.
GATECAST_INLINE vf sigmoid(vf x) {
  return 1.0f / (1.0f + exp(-x));
}

// tanh(x): odd rational approximation of degree 13/6 on [-7.9, 7.9] (the coefficients of Eigen and XLA), without the
// cancellation near 0 of 2 sigmoid(2x) - 1. Relative error below 5e-7; |tanh| <= 1; NaN stays NaN.
GATECAST_INLINE vf tanh(vf x) {
  const vf limit = set1(7.90531110763549805f);  // tanh is 1 in float32 from here on
  x = clamp(x, -limit, limit);
  const vf s = x * x;
  vf p = set1(-2.76076847742355e-16f);
  p = p * s + 2.00018790482477e-13f;
  p = p * s - 8.60467152213735e-11f;
  p = p * s + 5.12229709037114e-08f;
  p = p * s + 1.48572235717979e-05f;
  p = p * s + 6.37261928875436e-04f;
  p = p * s + 4.89352455891786e-03f;
  vf q = set1(1.19825839466702e-06f);
  q = q * s + 1.18534705686654e-04f;
  q = q * s + 2.26843463243900e-03f;
  q = q * s + 4.89352518554385e-03f;
  return (x * p) / q;
}

// log(1 + e) for e in [0, 1]: 2 artanh(s) with s = e / (2 + e) <= 1/3, its series up to s^13; relative error 2e-7.
GATECAST_INLINE vf log1p_unit(vf e) {
  const vf s = e / (2.0f + e), q = s * s;
  vf p = set1(2.0f / 13);
  p = p * q + 2.0f / 11;
  p = p * q + 2.0f / 9;
  p = p * q + 2.0f / 7;
  p = p * q + 2.0f / 5;
  p = p * q + 2.0f / 3;
  p = p * q + 2.0f;
  return p * s;
}

// a * b + c as the vectors do it. Left to itself, GCC multiplies a loop of these in vectors and adds one by one.
GATECAST_INLINE float multiply_add(float a, float b, float c) {
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
  return __builtin_fmaf(a, b, c);
#else
  return a * b + c;
#endif
}

GATECAST_INLINE int64_t min(int64_t a, int64_t b) {
  return a < b ? a : b;
}
GATECAST_INLINE int64_t max(int64_t a, int64_t b) {
  return a > b ? a : b;
}
GATECAST_INLINE void clear(float* p, int64_t n) {
  __builtin_memset(p, 0, static_cast<size_t>(n) * sizeof(float));
}
GATECAST_INLINE void copy(float* to, const float* from, int64_t n) {
  __builtin_memcpy(to, from, static_cast<size_t>(n) * sizeof(float));
}

// ---- loops over (rows, lane) arrays -------------------------------------------------------------------------------

// A position in a (rows, L) array: a full vector, or the tail of fewer numbers where L is 1 and vectors run over rows.
template <int L>
struct FullVector {
  int64_t at;
  vf load(const float* p) const { return gatecast::GATECAST_ISA::load(p + at); }
  void store(float* p, vf v) const { gatecast::GATECAST_ISA::store(p + at, v); }
  // One number per row, for all its lanes.
  vf row(const float* p) const { return L == 1 ? gatecast::GATECAST_ISA::load(p + at) : set1(p[at / L]); }
  // One number per lane, for all rows.
  vf lane(const float* p) const { return L == 1 ? set1(p[0]) : gatecast::GATECAST_ISA::load(p + at % L); }
};
GATECAST_NOINLINE vf load_partial(const float* p, int count) {
  float part[VL] = {};
  for (int i = 0; i < count; ++i) part[i] = p[i];
  return load(part);
}
GATECAST_NOINLINE void store_partial(float* p, vf v, int count) {
  for (int i = 0; i < count; ++i) p[i] = v[i];
}
struct TailVector {
  int64_t at;
  int count;
  vf load(const float* p) const { return load_partial(p + at, count); }
  void store(float* p, vf v) const { store_partial(p + at, v, count); }
  vf row(const float* p) const { return load(p); }
  vf lane(const float* p) const { return set1(p[0]); }
};

// f(position) for every vector of a (rows, L) array: the last one may be a TailVector.
template <int L, typename F>
GATECAST_INLINE void for_each_vector(int64_t rows, F&& f) {
  const int64_t n = rows * L;
  int64_t at = 0;
  for (; at + VL <= n; at += VL) f(FullVector<L>{at});
  if constexpr (L % VL != 0) {
    if (at < n) f(TailVector{at, static_cast<int>(n - at)});
  }
}

}  // namespace gatecast::GATECAST_ISA
