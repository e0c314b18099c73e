// Activation functions and their slopes: of single vectors, and of (rows, L) arrays with one loop for each function.
#pragma once

#include "kernels/simd-inl.h"

namespace gatecast::GATECAST_ISA {

inline constexpr float SELU_SCALE = 1.0507009873554805f, SELU_ALPHA = 1.6732632423543772f;
inline constexpr float LEAKY_SLOPE = 0.2f;  // Keras' default of the function

// erf(x): odd rational approximation of degree 13/8 on [-4, 4] (the coefficients of Eigen and XLA); error below 4e-7.
GATECAST_INLINE vf erf(vf x) {
  x = clamp(x, set1(-4.0f), set1(4.0f));
  const vf s = x * x;
  vf p = set1(-2.72614225801306e-10f);
  p = p * s + 2.77068142495902e-08f;
  p = p * s - 2.10102402082508e-06f;
  p = p * s - 5.69250639462346e-05f;
  p = p * s - 7.34990630326855e-04f;
  p = p * s - 2.95459980854025e-03f;
  p = p * s - 1.60960333262415e-02f;
  vf q = set1(-1.45660718464996e-05f);
  q = q * s - 2.13374055278905e-04f;
  q = q * s - 1.68282697438203e-03f;
  q = q * s - 7.37332916720468e-03f;
  q = q * s - 1.42647390514189e-02f;
  return (x * p) / q;
}

// The normal distribution function.
GATECAST_INLINE vf normal_distribution(vf z) {
  return 0.5f + 0.5f * erf(z * 0.70710678118654752f);
}

GATECAST_INLINE vf absolute(vf x) {
  return select(x < vf{}, -x, x);
}

// log(1 + e^z), without overflow.
GATECAST_INLINE vf softplus(vf z) {
  return clamp(z, vf{}, set1(__builtin_inff())) + log1p_unit(exp(-absolute(z)));
}

// f.template operator()<function>() for an activation.
template <typename F>
GATECAST_INLINE void with_activation(Activation function, F&& f) {
  switch (function) {
#define GATECAST_CASE(name) \
  case Activation::name:    \
    return f.template operator()<Activation::name>();
    GATECAST_CASE(linear)
    GATECAST_CASE(relu)
    GATECAST_CASE(sigmoid)
    GATECAST_CASE(tanh)
    GATECAST_CASE(exp)
    GATECAST_CASE(hard_sigmoid)
    GATECAST_CASE(softsign)
    GATECAST_CASE(elu)
    GATECAST_CASE(selu)
    GATECAST_CASE(softplus)
    GATECAST_CASE(relu6)
    GATECAST_CASE(leaky_relu)
    GATECAST_CASE(gelu)
    GATECAST_CASE(silu)
#undef GATECAST_CASE
    case Activation::count:
      return;
  }
}

// f(z); NaN stays NaN.
template <Activation f>
GATECAST_INLINE vf value_of(vf z) {
  using enum Activation;
  if constexpr (f == relu) return clamp(z, vf{}, set1(__builtin_inff()));
  if constexpr (f == sigmoid) return GATECAST_ISA::sigmoid(z);
  if constexpr (f == tanh) return GATECAST_ISA::tanh(z);
  if constexpr (f == exp) return GATECAST_ISA::exp(z);
  if constexpr (f == hard_sigmoid) return clamp(z * (1.0f / 6) + 0.5f, vf{}, set1(1.0f));
  if constexpr (f == softsign) return z / (1.0f + absolute(z));
  if constexpr (f == elu) return select(z > vf{}, z, GATECAST_ISA::exp(z) - 1.0f);
  if constexpr (f == selu) return SELU_SCALE * select(z > vf{}, z, SELU_ALPHA * (GATECAST_ISA::exp(z) - 1.0f));
  if constexpr (f == softplus) return GATECAST_ISA::softplus(z);
  if constexpr (f == relu6) return clamp(z, vf{}, set1(6.0f));
  if constexpr (f == leaky_relu) return select(z > vf{}, z, LEAKY_SLOPE * z);
  if constexpr (f == gelu) return z * normal_distribution(z);
  if constexpr (f == silu) return z * GATECAST_ISA::sigmoid(z);
  return z;
}

// f'(z), from z and y = f(z). Only gelu and silu read z.
template <Activation f>
GATECAST_INLINE vf slope_of([[maybe_unused]] vf z, vf y) {
  using enum Activation;
  const vf one = set1(1.0f);
  if constexpr (f == relu) return select(y > vf{}, one, vf{});
  if constexpr (f == sigmoid) return y * (1.0f - y);
  if constexpr (f == tanh) return 1.0f - y * y;
  if constexpr (f == exp) return y;
  if constexpr (f == hard_sigmoid) return select(y > vf{}, select(y < one, set1(1.0f / 6), vf{}), vf{});
  if constexpr (f == softsign) {
    const vf rest = 1.0f - absolute(y);
    return rest * rest;
  }
  if constexpr (f == elu) return select(y > vf{}, one, y + 1.0f);
  if constexpr (f == selu) return select(y > vf{}, set1(SELU_SCALE), y + SELU_SCALE * SELU_ALPHA);
  if constexpr (f == softplus) return 1.0f - GATECAST_ISA::exp(-y);
  if constexpr (f == relu6) return select(y > vf{}, select(y < set1(6.0f), one, vf{}), vf{});
  if constexpr (f == leaky_relu) return select(y > vf{}, one, set1(LEAKY_SLOPE));
  if constexpr (f == gelu)
    return normal_distribution(z) + z * (0.39894228040143268f * GATECAST_ISA::exp(-0.5f * z * z));
  if constexpr (f == silu) {
    const vf s = GATECAST_ISA::sigmoid(z);
    return s * (1.0f + z * (1.0f - s));
  }
  return one;
}

// y (rows, L) = f(y).
template <int L>
GATECAST_INLINE void activate(Activation function, int64_t rows, float* y) {
  if (function == Activation::linear) return;
  with_activation(function, [&]<Activation f>() {
    for_each_vector<L>(rows, [&](auto at) { at.store(y, value_of<f>(at.load(y))); });
  });
}

// dz (rows, L) = dy f'(z), from y = f(z): not for gelu and silu.
template <int L>
GATECAST_INLINE void activation_gradient(Activation function, int64_t rows, const float* y, const float* dy,
                                         float* dz) {
  with_activation(function, [&]<Activation f>() {
    for_each_vector<L>(rows, [&](auto at) { at.store(dz, at.load(dy) * slope_of<f>(vf{}, at.load(y))); });
  });
}

// slope (rows, L) = f'(z), from z and y = f(z); it may be one of them.
template <int L>
GATECAST_INLINE void activation_slope(Activation function, int64_t rows, const float* z, const float* y, float* slope) {
  with_activation(function, [&]<Activation f>() {
    for_each_vector<L>(rows, [&](auto at) { at.store(slope, slope_of<f>(at.load(z), at.load(y))); });
  });
}

}  // namespace gatecast::GATECAST_ISA
