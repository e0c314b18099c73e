// Autoregressions that are fitted at every step of a series to the values up to it
// (gatecast.forecasting.pretrained.lf.autoregression has the equations), in float64: time first, a vector of series at
// a time.
#pragma once

#include "kernels/doubles-inl.h"
#include "runtime/memory_pool.h"

namespace gatecast::GATECAST_ISA {

inline constexpr int LAGS = AUTOREGRESSION_LAGS, REGRESSORS = LAGS + 1;  // the constant comes last

// What a fit leaves: forecasts need no more.
struct FittedVector {
  vd coefficients[LAGS], constant, lags[LAGS], low, high;

  // The next value, which becomes the newest lag.
  GATECAST_INLINE vd step() {
    vd next = constant;
    for (int i = 0; i < LAGS; ++i) next += coefficients[i] * lags[i];
    next = next < low ? low : next;
    next = next > high ? high : next;
    for (int i = LAGS - 1; i > 0; --i) lags[i] = lags[i - 1];
    return lags[0] = next;
  }
};

// Solves (products + penalty) x = moments by an LDL' decomposition, in place of the moments.
// `products` has the lower triangle, row by row.
GATECAST_INLINE void solve(const vd* products, const vd* penalty, vd* moments) {
  vd factor[REGRESSORS][REGRESSORS], pivots[REGRESSORS], inverse[REGRESSORS];
  for (int i = 0, k = 0; i < REGRESSORS; ++i) {
    for (int j = 0; j < i; ++j, ++k) {
      vd rest = products[k];
      for (int l = 0; l < j; ++l) rest -= factor[i][l] * pivots[l] * factor[j][l];
      factor[i][j] = rest * inverse[j];
    }
    vd pivot = products[k++] + penalty[i];
    for (int l = 0; l < i; ++l) pivot -= factor[i][l] * factor[i][l] * pivots[l];
    pivots[i] = pivot;
    inverse[i] = 1.0 / pivot;
  }
  for (int i = 1; i < REGRESSORS; ++i)
    for (int j = 0; j < i; ++j) moments[i] -= factor[i][j] * moments[j];
  for (int i = REGRESSORS - 1; i >= 0; --i) {
    moments[i] *= inverse[i];
    for (int j = i + 1; j < REGRESSORS; ++j) moments[i] -= factor[j][i] * moments[j];
  }
}

// Sums over the steps so far.
struct AutoregressionSums {
  vd products[REGRESSORS * (REGRESSORS + 1) / 2] = {}, moments[REGRESSORS] = {};

  // Adds a step whose value is `change` more than the newest lag.
  GATECAST_INLINE void add(const vd* lags, vd change, vd seen) {
    for (int i = 0, k = 0; i < LAGS; ++i) {
      const vd lag = seen * lags[i];
      for (int j = 0; j <= i; ++j) products[k++] += lag * lags[j];
      moments[i] += lag * change;
    }
    vd* constants = products + LAGS * REGRESSORS / 2;
    for (int j = 0; j < LAGS; ++j) constants[j] += seen * lags[j];
    constants[LAGS] += seen;
    moments[LAGS] += seen * change;
  }

  // Writes the coefficients. The ridge draws them to a random walk, by as much as a change of the unit counts.
  GATECAST_INLINE void fit(const double* ridge, vd unit, FittedVector& fitted) const {
    vd penalty[REGRESSORS], solution[REGRESSORS];
    for (int i = 0; i < LAGS; ++i) penalty[i] = ridge[i] * unit * unit;
    penalty[LAGS] = set1(ridge[LAGS]);
    for (int i = 0; i < REGRESSORS; ++i) solution[i] = moments[i];
    solve(products, penalty, solution);
    for (int i = 0; i < LAGS; ++i) fitted.coefficients[i] = solution[i];
    fitted.coefficients[0] += 1.0;
    fitted.constant = solution[LAGS];
  }
};

// Writes rows of (count) numbers, one for each series.
struct RowWriter {
  double* row;
  int64_t stride, count;
  GATECAST_INLINE void write(vd value) {
    store_part(row, value, count);
    row += stride;
  }
};

// `ring` holds the forecasts of the last `cycle` steps for `cycle` steps later.
inline void autoregression_vector(const Autoregression& a, int64_t b, int64_t count, double* ring) {
  const vd start = load_part(a.x + b, count);
  AutoregressionSums sums;
  FittedVector fitted = {};
  vd lags[LAGS] = {}, low = {}, high = {}, next = {}, error = {}, cycle_error = {}, number = {}, cycle_number = {};
  for (int64_t t = 0; t < a.T; ++t) {
    const int64_t at = t * a.B + b;
    const vd x = load_part(a.x + at, count) - start, seen = load_part(a.observed + at, count);
    if (t > 0) {
      sums.add(lags, x - lags[0], seen);
      const vd miss = x - next;
      error += seen * (miss < 0 ? -miss : miss);
      number += seen;
    }
    double* slot = ring + t % a.cycle * DOUBLES;
    if (t >= a.cycle) {
      const vd miss = x - load(slot);
      cycle_error += seen * (miss < 0 ? -miss : miss);
      cycle_number += seen;
    }
    for (int i = LAGS - 1; i > 0; --i) lags[i] = lags[i - 1];
    lags[0] = x;
    for (int i = 0; i < LAGS; ++i) fitted.lags[i] = seen > 0 ? lags[i] : fitted.lags[i];
    low = x < low ? x : low;
    high = x > high ? x : high;
    const vd margin = a.margin * (high - low), unit = load_part(a.unit + at, count, 1.0);
    fitted.low = low - margin;
    fitted.high = high + margin;
    sums.fit(a.ridge, unit, fitted);
    FittedVector forecast = fitted;
    const bool is_written = t >= a.first;
    const int64_t out = (t - a.first) * a.B + b, stride = (a.T - a.first) * a.B;
    const vd base = load_part(a.level + at, count) - start, per_unit = 1.0 / unit;
    RowWriter points = {a.points + out, stride, count};
    for (int64_t j = 1, k = 0; j <= (is_written ? max(a.cycle, a.horizons[a.n_horizons - 1]) : a.cycle); ++j) {
      const vd value = forecast.step();
      if (j == 1) next = value;
      if (j == a.cycle) store(slot, value);
      if (is_written && k < a.n_horizons && j == a.horizons[k]) points.write((value - base) * per_unit), ++k;
    }
    if (!is_written) continue;
    RowWriter state = {a.state + out, stride, count};
    vd constant = fitted.constant - base;
    for (int i = 0; i < LAGS; ++i) constant += fitted.coefficients[i] * base;
    for (int i = 0; i < LAGS; ++i) state.write(fitted.coefficients[i]);
    state.write(constant * per_unit);
    for (int i = 0; i < LAGS; ++i) state.write((fitted.lags[i] - base) * per_unit);
    state.write((fitted.low - base) * per_unit);
    state.write((fitted.high - base) * per_unit);
    RowWriter errors = {a.errors + out, stride, count};
    errors.write(error / (number > 1.0 ? number : set1(1.0)));
    errors.write(cycle_error / (cycle_number > 1.0 ? cycle_number : set1(1.0)));
  }
}

inline void autoregression(const Autoregression& a) {
  if (a.first == a.T) return;  // no results, and perhaps no first row to read
  // Read once: another Python thread may set another number meanwhile.
  const int workers = num_threads();
  const Scratch scratch(static_cast<size_t>(2 * workers * a.cycle * DOUBLES));
  double* rings = reinterpret_cast<double*>(static_cast<float*>(scratch));
  for_vectors(a.B, workers, [&](int64_t b, int64_t count, int worker) {
    autoregression_vector(a, b, count, rings + worker * a.cycle * DOUBLES);
  });
}

// Goes on from states, (STATE, n), as types.h lists their rows.
inline void autoregression_forecast(const double* state, int64_t n, int64_t steps, double* points) {
  for (int64_t b = 0; b < n; b += DOUBLES) {
    const int64_t count = min(n - b, DOUBLES);
    const double* row = state + b;
    const auto read = [&] {
      const vd value = load_part(row, count);
      row += n;
      return value;
    };
    FittedVector fitted;
    for (vd& coefficient : fitted.coefficients) coefficient = read();
    fitted.constant = read();
    for (vd& lag : fitted.lags) lag = read();
    fitted.low = read();
    fitted.high = read();
    for (int64_t j = 0; j < steps; ++j) store_part(points + j * n + b, fitted.step(), count);
  }
}

}  // namespace gatecast::GATECAST_ISA
