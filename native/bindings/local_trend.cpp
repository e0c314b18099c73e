// The Python bindings of smoothing with a local and a global trend (kernels/local_trend-inl.h).
#include "bindings/arrays.h"
#include "runtime/cpu_dispatch.h"

namespace {

using namespace gatecast::bind;
using nb::literals::operator""_a;

int64_t size(const Doubles& x) {
  if (x.ndim() != 1 || x.shape(0) == 0) throw nb::value_error("the grid must have axes of at least one number");
  return static_cast<int64_t>(x.shape(0));
}

// Writes mean and variance of the forecasts.
void local_trend(Doubles y, Integers n, Integers linear, Doubles alpha, Doubles beta, Doubles lambda, Doubles rho,
                 Integers tau, int lanes, double exponent, InOutDoubles mean, InOutDoubles variance) {
  if (y.ndim() != 2 || mean.ndim() != 2) throw nb::value_error("y and mean must have two axes");
  const int64_t series = static_cast<int64_t>(y.shape(0)), T = static_cast<int64_t>(y.shape(1));
  const int64_t h = static_cast<int64_t>(mean.shape(1));
  expect("n", n, {series});
  expect("linear", linear, {series});
  expect("rho", rho, {gatecast::LANES});
  expect("tau", tau, {gatecast::LANES});
  expect("mean", mean, {series, h});
  expect("variance", variance, {series, h});
  if (lanes < 1 || lanes > gatecast::LANES) throw nb::value_error("lanes must lie in 1..16");
  for (int64_t i = 0; i < series; ++i)
    if (n.data()[i] < 2 || n.data()[i] > T) throw nb::value_error("n must lie in 2..T");
  for (int i = 0; i < gatecast::LANES; ++i)
    if (tau.data()[i] < 0 || tau.data()[i] > 2) throw nb::value_error("tau must lie in 0..2");
  const gatecast::TrendGrid grid = {.alpha = alpha.data(),
                                    .beta = beta.data(),
                                    .lambda = lambda.data(),
                                    .alphas = size(alpha),
                                    .betas = size(beta),
                                    .lambdas = size(lambda),
                                    .rho = rho.data(),
                                    .tau = tau.data(),
                                    .lanes = lanes,
                                    .exponent = exponent};
  const gatecast::TrendSeries data = {.series = series,
                                      .T = T,
                                      .h = h,
                                      .y = y.data(),
                                      .n = n.data(),
                                      .linear = linear.data(),
                                      .mean = mean.data(),
                                      .variance = variance.data()};
  const WithoutLock without_lock;
  gatecast::kernels().local_trend(grid, data);
}

}  // namespace

void gatecast::bind_local_trend(nanobind::module_& m) {
  m.def("local_trend", &local_trend, "y"_a.noconvert(), "n"_a.noconvert(), "linear"_a.noconvert(),
        "alpha"_a.noconvert(), "beta"_a.noconvert(), "lam"_a.noconvert(), "rho"_a.noconvert(), "tau"_a.noconvert(),
        "lanes"_a, "exponent"_a, "mean"_a.noconvert(), "variance"_a.noconvert());
}
