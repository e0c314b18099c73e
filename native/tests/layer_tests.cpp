// Dense layers, convolutions, losses and activations against plain loops in float64.
#include <cmath>

#include "tests/test.h"

namespace {

using namespace gatecast;
using namespace gatecast::testing;
using Doubles = std::vector<double>;

constexpr double TOLERANCE = 3e-5;

size_t at(int64_t i) {
  return static_cast<size_t>(i);
}

// `out` of the running level: close to `expected`, with the bits that one thread gave.
struct Expected {
  Doubles values;
  std::vector<float> of_one_thread = {};

  void compare(const std::vector<float>& out, const std::string& name, int threads) {
    if (threads == 1) {
      of_one_thread = out;
      check(out.size() == values.size(), __FILE__, __LINE__, name + ": another size");
      for (size_t i = 0; i < out.size(); ++i)
        check_close(out[i], values[i], TOLERANCE, __FILE__, __LINE__, name + " " + std::to_string(i));
    }
    check(same_bits(out, of_one_thread), __FILE__, __LINE__, name + ": other bits on more threads");
  }
};

void check_convolution(const Convolution& shape) {
  Convolution a = shape;
  const int64_t L = a.lanes;
  const std::vector<float> x = random_numbers(a.blocks * a.T * a.F * L, 1), W = random_numbers(a.width * a.F * a.M, 2),
                           b = random_numbers(a.M, 3), dy = random_numbers(a.blocks * a.outputs * a.M * L, 4);
  Expected y = {Doubles(dy.size())}, dx = {Doubles(x.size())}, dW = {Doubles(W.size())}, db = {Doubles(b.size())};
  for (int64_t block = 0; block < a.blocks; ++block)
    for (int64_t t = 0; t < a.outputs; ++t)
      for (int64_t m = 0; m < a.M; ++m)
        for (int64_t lane = 0; lane < L; ++lane) {
          const auto for_each_input = [&](auto&& f) {
            for (int64_t k = 0; k < a.width; ++k) {
              const int64_t step = t * a.stride + k * a.dilation - a.before;
              if (step < 0 || step >= a.T) continue;
              for (int64_t i = 0; i < a.F; ++i)
                f(at(((block * a.T + step) * a.F + i) * L + lane), at((k * a.F + i) * a.M + m));
            }
          };
          const size_t out = at(((block * a.outputs + t) * a.M + m) * L + lane);
          double z = b[at(m)];
          for_each_input([&](size_t in, size_t weight) { z += double{x[in]} * W[weight]; });
          const double value = a.activation == Activation::tanh ? std::tanh(z) : z;
          const double dz = dy[out] * (a.activation == Activation::tanh ? 1 - value * value : 1);
          y.values[out] = value;
          db.values[at(m)] += dz;
          for_each_input([&](size_t in, size_t weight) {
            dx.values[in] += dz * W[weight];
            dW.values[weight] += dz * x[in];
          });
        }
  const bool dense = a.width == 1 && a.stride == 1 && a.before == 0 && a.outputs == a.T;
  for_each_level_and_threads([&](const std::string& level, int threads) {
    for (const bool as_dense : {false, true}) {
      if (as_dense && !dense) continue;
      std::vector<float> out(dy.size()), gx(x.size()), gW(W.size()), gb(b.size());
      const DenseGrad d = {.dy = dy.data(), .dx = gx.data(), .dW = gW.data(), .db = gb.data()};
      a.x = x.data();
      a.W = W.data();
      a.b = b.data();
      a.y = out.data();
      if (as_dense) {
        const Dense layer = {.lanes = a.lanes,
                             .items = a.blocks * a.T,
                             .K = a.F,
                             .M = a.M,
                             .x = a.x,
                             .W = a.W,
                             .b = a.b,
                             .activation = a.activation,
                             .y = a.y};
        kernels().dense_forward(layer);
        kernels().dense_backward(layer, d);
      } else {
        kernels().convolution(a);
        kernels().convolution_backward(a, d);
      }
      const std::string name = level + (as_dense ? ", dense" : ", convolution") + ", lanes " + std::to_string(L);
      y.compare(out, name + ", y", as_dense ? 0 : threads);
      // A dense layer has other groups of items than a convolution: its sums have bits of their own.
      if (as_dense) {
        Expected own[] = {{dx.values}, {dW.values}, {db.values}};
        own[0].compare(gx, name + ", dx", 1);
        own[1].compare(gW, name + ", dW", 1);
        own[2].compare(gb, name + ", db", 1);
      } else {
        dx.compare(gx, name + ", dx", threads);
        dW.compare(gW, name + ", dW", threads);
        db.compare(gb, name + ", db", threads);
      }
    }
  });
}

// The value of a loss and its slope with respect to the prediction; e = y - p.
struct Point {
  double value, slope;
};
Point loss_point(LossKind kind, double e, double parameter) {
  switch (kind) {
    case LossKind::squared:
      return {e * e, -2 * e};
    case LossKind::absolute:
      return {std::fabs(e), e > 0 ? -1.0 : 1.0};
    case LossKind::huber:
      if (std::fabs(e) <= parameter) return {e * e / 2, -e};
      return {parameter * (std::fabs(e) - parameter / 2), e > 0 ? -parameter : parameter};
    case LossKind::pinball:
      return e > 0 ? Point{parameter * e, -parameter} : Point{(parameter - 1) * e, 1 - parameter};
  }
  return {NAN, NAN};
}

void check_loss(LossKind kind, int lanes, int64_t items, int64_t K, int64_t weights) {
  const std::vector<float> parameters =
      kind == LossKind::pinball ? std::vector<float>{0.1f, 0.5f, 0.9f} : std::vector<float>{0.4f};
  const int64_t Q = kind == LossKind::pinball ? 3 : 1, L = lanes;
  const std::vector<float> prediction = random_numbers(items * K * Q * L, 1), target = random_numbers(items * K * L, 2);
  std::vector<float> weight = random_numbers(items * weights * L, 3);
  for (float& w : weight) w = w < -0.5f ? 0 : w + 1;
  const Loss a = {.kind = kind,
                  .lanes = lanes,
                  .items = items,
                  .K = K,
                  .Q = Q,
                  .prediction = prediction.data(),
                  .target = target.data(),
                  .weight = weight.data(),
                  .weights = weights,
                  .parameters = parameters.data(),
                  .scale = 0.25f};
  double expected = 0;
  Expected gradient = {Doubles(prediction.size())};
  for (int64_t n = 0; n < items; ++n)
    for (int64_t k = 0; k < K; ++k)
      for (int64_t q = 0; q < Q; ++q)
        for (int64_t lane = 0; lane < L; ++lane) {
          const size_t i = at(((n * K + k) * Q + q) * L + lane);
          const double e = double{target[at((n * K + k) * L + lane)]} - prediction[i];
          const double w = weight[at((n * weights + (weights == 1 ? 0 : k)) * L + lane)];
          const Point point = loss_point(kind, e, parameters[at(q)]);
          expected += w * point.value;
          gradient.values[i] = 0.25 * w * point.slope;
        }
  double of_one_thread = 0;
  for_each_level_and_threads([&](const std::string& level, int threads) {
    std::vector<float> out(prediction.size());
    const double sum = kernels().loss(a, out.data());
    const std::string name = level + ", loss " + std::to_string(static_cast<int>(kind)) + ", lanes " +
                             std::to_string(lanes) + ", K " + std::to_string(K);
    check_close(sum, expected, 1e-6, __FILE__, __LINE__, name);
    if (threads == 1) of_one_thread = sum;
    check(sum == of_one_thread, __FILE__, __LINE__, name + ": other bits on more threads");
    gradient.compare(out, name + ", gradient", threads);
  });
}

}  // namespace

GATECAST_TEST(kernels, dense_agrees_with_a_plain_loop) {
  for (const int lanes : {1, LANES})
    for (const int64_t M : {1, 5, 16, 23})
      for (const Activation activation : {Activation::linear, Activation::tanh})
        check_convolution({.lanes = lanes,
                           .blocks = 3,
                           .T = lanes == 1 ? 45 : 24,
                           .F = M == 5 ? 1 : 7,
                           .M = M,
                           .width = 1,
                           .stride = 1,
                           .dilation = 1,
                           .before = 0,
                           .outputs = lanes == 1 ? 45 : 24,
                           .activation = activation});
}

GATECAST_TEST(kernels, convolution_agrees_with_a_plain_loop) {
  for (const int lanes : {1, LANES})
    for (const int64_t stride : {1, 2})
      for (const int64_t dilation : {1, 3})
        for (const int64_t before : {0, 4})
          check_convolution({.lanes = lanes,
                             .blocks = 3,
                             .T = 40,
                             .F = 3,
                             .M = 5,
                             .width = 3,
                             .stride = stride,
                             .dilation = dilation,
                             .before = before,
                             .outputs = (40 + before - 2 * dilation - 1) / stride + 1,
                             .activation = Activation::tanh});
}

GATECAST_TEST(kernels, losses_agree_with_a_plain_loop) {
  for (const LossKind kind : {LossKind::squared, LossKind::absolute, LossKind::huber, LossKind::pinball})
    for (const int lanes : {1, LANES})
      for (const int64_t K : {1, 3, 17}) {
        check_loss(kind, lanes, 700, K, 1);
        if (K > 1) check_loss(kind, lanes, 9, K, K);
      }
}

GATECAST_TEST(kernels, activations_agree_with_the_library_and_keep_nan) {
  std::vector<float> x = random_numbers(40003, 5);
  for (float& value : x) value *= 12;
  Expected exp = {Doubles(x.size())}, sigmoid = exp, tanh = exp;
  for (size_t i = 0; i < x.size(); ++i) {
    exp.values[i] = std::exp(double{x[i]});
    sigmoid.values[i] = 1 / (1 + std::exp(-double{x[i]}));
    tanh.values[i] = std::tanh(double{x[i]});
  }
  for_each_level_and_threads([&](const std::string& level, int threads) {
    const auto apply = [&](Activation f) {
      std::vector<float> out(x.size());
      kernels().activation(f, x.data(), out.data(), static_cast<int64_t>(x.size()));
      return out;
    };
    exp.compare(apply(Activation::exp), level + ", exp", threads);
    sigmoid.compare(apply(Activation::sigmoid), level + ", sigmoid", threads);
    tanh.compare(apply(Activation::tanh), level + ", tanh", threads);
    for (const Activation f : {Activation::exp, Activation::sigmoid, Activation::tanh, Activation::relu}) {
      const float in[3] = {1, NAN, -1};
      float out[3] = {};
      kernels().activation(f, in, out, 3);
      GATECAST_CHECK(std::isnan(out[1]) && !std::isnan(out[0]) && !std::isnan(out[2]));
    }
  });
}
