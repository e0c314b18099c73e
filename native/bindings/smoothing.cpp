// The Python bindings of smoothing: the theta method (kernels/theta-inl.h), and levels and seasons with their
// gradient (kernels/seasonal_smoothing-inl.h).
#include "bindings/arrays.h"
#include "runtime/cpu_dispatch.h"

namespace {

using namespace gatecast::bind;
using nb::literals::operator""_a;

// Writes the sums.
void theta_sums(Doubles y, Integers n, Integers first, Doubles alpha, InOutDoubles sums) {
  if (y.ndim() != 2 || alpha.ndim() != 2) throw nb::value_error("y and alpha must have two axes");
  const int64_t series = static_cast<int64_t>(y.shape(0)), T = static_cast<int64_t>(y.shape(1));
  const int64_t alphas = static_cast<int64_t>(alpha.shape(1));
  expect("n", n, {series});
  expect("first", first, {series});
  expect("alpha", alpha, {series, alphas});
  expect("sums", sums, {6, series, alphas});
  for (int64_t i = 0; i < series; ++i) {
    if (n.data()[i] < 1 || n.data()[i] > T) throw nb::value_error("n must lie in 1..T");
    if (first.data()[i] < 1) throw nb::value_error("first must be at least 1");
  }
  const gatecast::ThetaSeries data = {.series = series,
                                      .T = T,
                                      .alphas = alphas,
                                      .y = y.data(),
                                      .n = n.data(),
                                      .first = first.data(),
                                      .alpha = alpha.data(),
                                      .sums = sums.data()};
  const WithoutLock without_lock;
  gatecast::kernels().theta_sums(data);
}

// Writes the points.
void theta_forecast(Doubles y, Integers n, Doubles alpha, Doubles w, Doubles first, InOutDoubles point) {
  if (y.ndim() != 2 || point.ndim() != 2) throw nb::value_error("y and point must have two axes");
  const int64_t series = static_cast<int64_t>(y.shape(0)), T = static_cast<int64_t>(y.shape(1));
  const int64_t h = static_cast<int64_t>(point.shape(1));
  expect("n", n, {series});
  expect("alpha", alpha, {series});
  expect("w", w, {series});
  expect("first", first, {series});
  expect("point", point, {series, h});
  for (int64_t i = 0; i < series; ++i)
    if (n.data()[i] < 1 || n.data()[i] > T) throw nb::value_error("n must lie in 1..T");
  const gatecast::ThetaFits data = {.series = series,
                                    .T = T,
                                    .h = h,
                                    .y = y.data(),
                                    .n = n.data(),
                                    .alpha = alpha.data(),
                                    .w = w.data(),
                                    .first = first.data(),
                                    .point = point.data()};
  const WithoutLock without_lock;
  gatecast::kernels().theta_forecast(data);
}

// What both passes of seasonal smoothing read and, but for the backward pass, write.
gatecast::SeasonalSmoothing smoothing_of(const Doubles& z, const Flags& observed, const Doubles& alpha,
                                         const Doubles& gamma, const Doubles& start, const InOutDoubles& level,
                                         const InOutDoubles& season, const InOutDoubles& gain) {
  if (z.ndim() != 2 || start.ndim() != 2) throw nb::value_error("z and start must have two axes");
  const int64_t T = static_cast<int64_t>(z.shape(0)), B = static_cast<int64_t>(z.shape(1));
  const int64_t m = static_cast<int64_t>(start.shape(0));
  if (T < 1 || m < 1) throw nb::value_error("z and start must have rows");
  expect("observed", observed, {T, B});
  expect("alpha", alpha, {B});
  expect("gamma", gamma, {B});
  expect("start", start, {m, B});
  expect("level", level, {T, B});
  expect("season", season, {T + m, B});
  expect("gain", gain, {T, B});
  return {.T = T,
          .B = B,
          .m = m,
          .z = z.data(),
          .observed = reinterpret_cast<const uint8_t*>(observed.data()),
          .alpha = alpha.data(),
          .gamma = gamma.data(),
          .start = start.data(),
          .level = level.data(),
          .season = season.data(),
          .gain = gain.data()};
}

// Writes level, season and gain.
void seasonal_smoothing(Doubles z, Flags observed, Doubles alpha, Doubles gamma, Doubles start, InOutDoubles level,
                        InOutDoubles season, InOutDoubles gain) {
  const auto data = smoothing_of(z, observed, alpha, gamma, start, level, season, gain);
  const WithoutLock without_lock;
  gatecast::kernels().seasonal_smoothing(data);
}

// Writes dalpha, dgamma and dstart.
void seasonal_smoothing_backward(Doubles z, Flags observed, Doubles gamma, InOutDoubles level, InOutDoubles season,
                                 InOutDoubles gain, Doubles dlevel, Doubles dseason, InOutDoubles dalpha,
                                 InOutDoubles dgamma, InOutDoubles dstart) {
  const auto data = smoothing_of(z, observed, gamma, gamma, Doubles(dstart), level, season, gain);
  expect("dlevel", dlevel, {data.T, data.B});
  expect("dseason", dseason, {data.T + data.m, data.B});
  expect("dalpha", dalpha, {data.B});
  expect("dgamma", dgamma, {data.B});
  const gatecast::SeasonalSmoothingGrad gradient = {.dlevel = dlevel.data(),
                                                    .dseason = dseason.data(),
                                                    .dalpha = dalpha.data(),
                                                    .dgamma = dgamma.data(),
                                                    .dstart = dstart.data()};
  const WithoutLock without_lock;
  gatecast::kernels().seasonal_smoothing_backward(data, gradient);
}

}  // namespace

void gatecast::bind_smoothing(nanobind::module_& m) {
  m.def("theta_sums", &theta_sums, "y"_a.noconvert(), "n"_a.noconvert(), "first"_a.noconvert(), "alpha"_a.noconvert(),
        "sums"_a.noconvert());
  m.def("theta_forecast", &theta_forecast, "y"_a.noconvert(), "n"_a.noconvert(), "alpha"_a.noconvert(),
        "w"_a.noconvert(), "first"_a.noconvert(), "point"_a.noconvert());
  m.def("seasonal_smoothing", &seasonal_smoothing, "z"_a.noconvert(), "observed"_a.noconvert(), "alpha"_a.noconvert(),
        "gamma"_a.noconvert(), "start"_a.noconvert(), "level"_a.noconvert(), "season"_a.noconvert(),
        "gain"_a.noconvert());
  m.def("seasonal_smoothing_backward", &seasonal_smoothing_backward, "z"_a.noconvert(), "observed"_a.noconvert(),
        "gamma"_a.noconvert(), "level"_a.noconvert(), "season"_a.noconvert(), "gain"_a.noconvert(),
        "dlevel"_a.noconvert(), "dseason"_a.noconvert(), "dalpha"_a.noconvert(), "dgamma"_a.noconvert(),
        "dstart"_a.noconvert());
}
