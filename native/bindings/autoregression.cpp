// The Python bindings of autoregressions (kernels/autoregression-inl.h).
#include "bindings/arrays.h"
#include "runtime/cpu_dispatch.h"

namespace {

using namespace gatecast::bind;
using nb::literals::operator""_a;

constexpr int64_t LAGS = gatecast::AUTOREGRESSION_LAGS, STATE = gatecast::AUTOREGRESSION_STATE;
constexpr int64_t MAX_HORIZON = int64_t{1} << 20;  // nothing stops a kernel

// Writes states, points and errors.
void autoregression(Doubles x, Doubles observed, Doubles unit, Doubles level, Doubles ridge, double margin,
                    int64_t cycle, Integers horizons, int64_t first, InOutDoubles state, InOutDoubles points,
                    InOutDoubles errors) {
  if (x.ndim() != 2 || horizons.ndim() != 1) throw nb::value_error("x must have two axes, horizons one");
  const int64_t T = static_cast<int64_t>(x.shape(0)), B = static_cast<int64_t>(x.shape(1));
  const int64_t n_horizons = static_cast<int64_t>(horizons.shape(0));
  if (first < 0 || first > T) throw nb::value_error("first must lie in 0..T");
  if (cycle < 1 || cycle > MAX_HORIZON) throw nb::value_error("cycle must lie in 1..2^20");
  if (n_horizons == 0) throw nb::value_error("horizons must have one number at least");
  for (int64_t k = 0; k < n_horizons; ++k)
    if (horizons.data()[k] <= (k ? horizons.data()[k - 1] : 0))
      throw nb::value_error("horizons must increase from 1 on");
  if (horizons.data()[n_horizons - 1] > MAX_HORIZON) throw nb::value_error("horizons must be at most 2^20");
  expect("observed", observed, {T, B});
  expect("unit", unit, {T, B});
  expect("level", level, {T, B});
  expect("ridge", ridge, {LAGS + 1});
  expect("state", state, {STATE, T - first, B});
  expect("points", points, {n_horizons, T - first, B});
  expect("errors", errors, {2, T - first, B});
  const gatecast::Autoregression data = {.T = T,
                                         .B = B,
                                         .first = first,
                                         .cycle = cycle,
                                         .margin = margin,
                                         .x = x.data(),
                                         .observed = observed.data(),
                                         .unit = unit.data(),
                                         .level = level.data(),
                                         .ridge = ridge.data(),
                                         .horizons = horizons.data(),
                                         .n_horizons = n_horizons,
                                         .state = state.data(),
                                         .points = points.data(),
                                         .errors = errors.data()};
  const WithoutLock without_lock;
  gatecast::kernels().autoregression(data);
}

// Writes the points.
void autoregression_forecast(Doubles state, InOutDoubles points) {
  if (state.ndim() != 2 || points.ndim() != 2) throw nb::value_error("state and points must have two axes");
  const int64_t n = static_cast<int64_t>(state.shape(1)), steps = static_cast<int64_t>(points.shape(0));
  expect("state", state, {STATE, n});
  expect("points", points, {steps, n});
  const WithoutLock without_lock;
  gatecast::kernels().autoregression_forecast(state.data(), n, steps, points.data());
}

}  // namespace

void gatecast::bind_autoregression(nanobind::module_& m) {
  m.def("autoregression", &autoregression, "x"_a.noconvert(), "observed"_a.noconvert(), "unit"_a.noconvert(),
        "level"_a.noconvert(), "ridge"_a.noconvert(), "margin"_a, "cycle"_a, "horizons"_a.noconvert(), "first"_a,
        "state"_a.noconvert(), "points"_a.noconvert(), "errors"_a.noconvert());
  m.def("autoregression_forecast", &autoregression_forecast, "state"_a.noconvert(), "points"_a.noconvert());
}
