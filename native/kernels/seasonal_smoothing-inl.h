// Exponential smoothing of levels and seasons, and its gradient (gatecast.forecasting.es_rnn.smoothing has the
// equations), in float64: time first, a vector of series at a time.
#pragma once

#include "kernels/doubles-inl.h"
#include "runtime/memory_pool.h"

namespace gatecast::GATECAST_ISA {

// 1 where a value is observed, else 0.
GATECAST_INLINE vd observations(const uint8_t* p, int64_t count) {
  vd v = {};
  for (int i = 0; i < DOUBLES; ++i) v[i] = i < count ? p[i] : 0;
  return v;
}

inline void smooth_vector(const SeasonalSmoothing& a, int64_t b, int64_t count) {
  const vd alpha = load_part(a.alpha + b, count), gamma = load_part(a.gamma + b, count);
  for (int64_t j = 0; j < a.m; ++j) store_part(a.season + j * a.B + b, load_part(a.start + j * a.B + b, count), count);
  vd last = {}, before = {};  // level; 1 once a value has been observed
  for (int64_t t = 0; t < a.T; ++t) {
    const int64_t at = t * a.B + b;
    const vd seen = observations(a.observed + at, count), s = load_part(a.season + at, count);
    const vd adjusted = load_part(a.z + at, count) - s, gain = seen * (before * alpha + (1 - before));
    before = before + (1 - before) * seen;
    last += gain * (adjusted - last);
    store_part(a.level + at, last, count);
    store_part(a.gain + at, gain, count);
    store_part(a.season + at + a.m * a.B, s + seen * gamma * (adjusted - last), count);
  }
}

inline void seasonal_smoothing(const SeasonalSmoothing& a) {
  for_vectors(a.B, num_threads(), [&](int64_t b, int64_t count, int) { smooth_vector(a, b, count); });
}

// The step at which each series begins; T where it never does.
GATECAST_INLINE vd first_steps(const SeasonalSmoothing& a, int64_t b, int64_t count) {
  vd first = set1(static_cast<double>(a.T));
  for (int i = 0; i < count; ++i)
    for (int64_t t = 0; t < a.T; ++t)
      if (a.observed[t * a.B + b + i]) {
        first[i] = static_cast<double>(t);
        break;
      }
  return first;
}

// `ring` holds ds of the m steps that come next, (m, DOUBLES).
inline void smooth_vector_backward(const SeasonalSmoothing& a, const SeasonalSmoothingGrad& d, int64_t b, int64_t count,
                                   double* ring) {
  const vd gamma = load_part(a.gamma + b, count), first = first_steps(a, b, count);
  for (int64_t j = 0; j < a.m; ++j)
    store(ring + (a.T + j) % a.m * DOUBLES, load_part(d.dseason + (a.T + j) * a.B + b, count));
  vd carried = {}, dalpha = {}, dgamma = {};
  vd gain = load_part(a.gain + (a.T - 1) * a.B + b, count), level = load_part(a.level + (a.T - 1) * a.B + b, count);
  for (int64_t t = a.T - 1; t >= 0; --t) {
    const int64_t at = t * a.B + b;
    const vd seen = observations(a.observed + at, count);
    const vd before = t ? load_part(a.level + at - a.B, count) : vd{};
    const vd adjusted = load_part(a.z + at, count) - load_part(a.season + at, count);
    double* slot = ring + t % a.m * DOUBLES;
    const vd dnext = load(slot), dl = load_part(d.dlevel + at, count) + carried - seen * gamma * dnext;
    store(slot, load_part(d.dseason + at, count) + (1 - seen * gamma) * dnext - gain * dl);
    dgamma += seen * (adjusted - level) * dnext;
    // At the first value the level is that value, whatever alpha is.
    dalpha += (static_cast<double>(t) > first ? seen : vd{}) * (adjusted - before) * dl;
    carried = (1 - gain) * dl;
    if (t) gain = load_part(a.gain + at - a.B, count);
    level = before;
  }
  store_part(d.dalpha + b, dalpha, count);
  store_part(d.dgamma + b, dgamma, count);
  for (int64_t j = 0; j < a.m; ++j) store_part(d.dstart + j * a.B + b, load(ring + j * DOUBLES), count);
}

inline void seasonal_smoothing_backward(const SeasonalSmoothing& a, const SeasonalSmoothingGrad& d) {
  // Read once: another Python thread may set another number meanwhile.
  const int workers = num_threads();
  const Scratch scratch(static_cast<size_t>(2 * workers * a.m * DOUBLES));
  double* rings = reinterpret_cast<double*>(static_cast<float*>(scratch));
  for_vectors(a.B, workers, [&](int64_t b, int64_t count, int worker) {
    smooth_vector_backward(a, d, b, count, rings + worker * a.m * DOUBLES);
  });
}

}  // namespace gatecast::GATECAST_ISA
