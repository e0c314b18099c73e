// The theta method (gatecast.forecasting.theta has the equations), in float64: the sums of products over the steps of a
// series that its least squares need, for a vector of smoothing weights alpha at a time, and the forecasts of a fit.
#pragma once

#include "kernels/doubles-inl.h"
#include "runtime/memory_pool.h"
#include "runtime/thread_pool.h"

namespace gatecast::GATECAST_ISA {

inline constexpr int64_t THETA_SERIES_PER_TASK = 16;

// The least-squares line A + B (t + 1) through y[0 .. t], updated a value at a time.
struct ThetaLine {
  double mean, A, B;
  GATECAST_INLINE explicit ThetaLine(double first) : mean(first), A(first), B(0) {}
  GATECAST_INLINE void add(double value, int64_t i) {
    const double t = static_cast<double>(i);
    B = ((t - 1) * B + 6 * (value - mean) / (t + 1)) / (t + 2);
    mean = (t * mean + value) / (t + 1);
    A = mean - B * (t + 2) / 2;
  }
};

// The lines of every t < n - 1.
inline void theta_lines(const double* y, int64_t n, double* A, double* B) {
  ThetaLine line(y[0]);
  A[0] = line.A;
  B[0] = line.B;
  for (int64_t i = 1; i < n - 1; ++i) {
    line.add(y[i], i);
    A[i] = line.A;
    B[i] = line.B;
  }
}

// The sums of a vector of alphas; sums[k] of pair k is `stride` numbers after that of pair k - 1.
inline void theta_products(const double* y, int64_t n, int64_t first, const double* A, const double* B, vd alpha,
                           double* sums, int64_t stride, int64_t count) {
  const vd keep = 1 - alpha, inverse = 1 / alpha;
  vd level = alpha * y[0], power = keep;  // from a first level of 0, whose effect is linear
  vd ee = {}, ed = {}, ep = {}, dd = {}, dp = {}, pp = {};
  for (int64_t i = 1; i < n; ++i) {
    if (i >= first) {
      const vd d = power * A[i - 1] + (1 - power * keep) * inverse * B[i - 1], e = y[i] - level;
      ee += e * e;
      ed += e * d;
      ep += e * power;
      dd += d * d;
      dp += d * power;
      pp += power * power;
    }
    level = alpha * y[i] + keep * level;
    power *= keep;
  }
  const vd pairs[] = {ee, ed, ep, dd, dp, pp};
  for (int k = 0; k < 6; ++k) store_part(sums + k * stride, pairs[k], count);
}

inline void theta_sums(const ThetaSeries& a) {
  const int64_t tasks = (a.series + THETA_SERIES_PER_TASK - 1) / THETA_SERIES_PER_TASK;
  const int workers = static_cast<int>(min(tasks, num_threads()));
  const Scratch scratch(static_cast<size_t>(4 * workers * a.T));  // 2 T float64 a worker
  double* memory = reinterpret_cast<double*>(static_cast<float*>(scratch));
  parallel_for(tasks, workers, [&](int64_t task, int worker) {
    double *A = memory + 2 * worker * a.T, *B = A + a.T;
    for (int64_t s = task * THETA_SERIES_PER_TASK; s < min(a.series, (task + 1) * THETA_SERIES_PER_TASK); ++s) {
      const double* y = a.y + s * a.T;
      theta_lines(y, a.n[s], A, B);
      for (int64_t j = 0; j < a.alphas; j += DOUBLES) {
        const int64_t at = s * a.alphas + j, count = min(a.alphas - j, DOUBLES);
        const vd alpha = load_part(a.alpha + at, count, 1);
        theta_products(y, a.n[s], a.first[s], A, B, alpha, a.sums + at, a.series * a.alphas, count);
      }
    }
  });
}

// The points of one series, which continue as if they had been observed.
inline void theta_points(const double* y, int64_t n, double alpha, double w, double first, int64_t h, double* point) {
  const double keep = 1 - alpha;
  double level = alpha * y[0] + keep * first, power = keep;
  ThetaLine line(y[0]);
  for (int64_t i = 1; i < n + h; ++i) {
    double value;
    if (i < n) {
      value = y[i];
    } else {
      value = level + w * (power * line.A + (1 - power * keep) / alpha * line.B);
      point[i - n] = value;
    }
    level = alpha * value + keep * level;
    line.add(value, i);
    power *= keep;
  }
}

inline void theta_forecast(const ThetaFits& a) {
  const int64_t tasks = (a.series + THETA_SERIES_PER_TASK - 1) / THETA_SERIES_PER_TASK;
  parallel_for(tasks, static_cast<int>(min(tasks, num_threads())), [&](int64_t task, int) {
    for (int64_t s = task * THETA_SERIES_PER_TASK; s < min(a.series, (task + 1) * THETA_SERIES_PER_TASK); ++s)
      theta_points(a.y + s * a.T, a.n[s], a.alpha[s], a.w[s], a.first[s], a.h, a.point + s * a.h);
  });
}

}  // namespace gatecast::GATECAST_ISA
