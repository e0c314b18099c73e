// Exponential smoothing with a local and a global trend (gatecast.forecasting.local_global_trend has the equations):
// the posterior mean over a grid of models, a series a task, in float64.
//
// Notation: n values of a series; a combination is (alpha, beta, lambda); a lane is a (rho, tau) of it. Each lane fits
// its own gamma and scale by reweighting for Student's t; r[t] = y[t] - level - lambda trend is what gamma level^rho
// explains.
#pragma once

#include "kernels/doubles-inl.h"
#include "kernels/reduction-inl.h"
#include "runtime/memory_pool.h"
#include "runtime/thread_pool.h"

namespace gatecast::GATECAST_ISA {

constexpr int TREND_LANES = 16;
constexpr double DEGREES = 5.0;           // of Student's t
constexpr double GAMMA_DEVIATION = 0.05;  // prior of gamma, in units of the mean level
constexpr double MIN_LEVEL = 1e-3;        // in the same units: powers of a level stay finite
constexpr double MIN_VARIANCE = 1e-14;
constexpr int FITS = 5;          // reweightings
constexpr int FACTORS = 16;      // multiplied before a logarithm is taken: float64 holds them
constexpr double MIN_LOG = -20;  // weights below e^-20 of the largest do not count

struct TrendLanes {
  double v[TREND_LANES] = {};
};

// What the lanes of a combination found.
struct TrendFit {
  TrendLanes gamma, variance, log_posterior;
};

// The sums that gamma's normal equation needs.
struct TrendSums {
  TrendLanes rr, gr, gg;
};

// The numbers of a series that do not depend on gamma, (n - 1, TREND_LANES) each but for r.
struct TrendTerms {
  const double* r;  // (n - 1)
  const double* g;  // level^rho
  const double* w;  // level^(-2 tau): the inverse of the squared size of the error
};

GATECAST_INLINE double at_least(double x, double limit) {
  return x > limit ? x : limit;
}

// x^rho of each lane, x > 0.
GATECAST_INLINE TrendLanes power(const TrendLanes& x, const double* rho) {
  const vd limit = set1(708.0);
  TrendLanes y;
  for (int i = 0; i < TREND_LANES; i += DOUBLES) {
    const vd exponent = load(rho + i) * log(load(x.v + i));
    const vd finite = exponent > limit ? limit : exponent;
    store(y.v + i, exp(finite < -limit ? -limit : finite));
  }
  return y;
}

// Gamma of the weighted sums, drawn to 0 by its prior.
GATECAST_INLINE void solve_gamma(const TrendSums& s, TrendFit& fit) {
  for (int i = 0; i < TREND_LANES; ++i)
    fit.gamma.v[i] = s.gr.v[i] / (s.gg.v[i] + fit.variance.v[i] / (GAMMA_DEVIATION * GAMMA_DEVIATION));
}

// One reweighting: scale and weights from the errors with the present gamma, then gamma from these weights.
inline void reweight(const TrendTerms& a, int64_t steps, TrendFit& fit) {
  TrendSums s;
  TrendLanes gamma = fit.gamma, width;
  for (int i = 0; i < TREND_LANES; ++i) width.v[i] = DEGREES * fit.variance.v[i];
  for (int64_t t = 0; t < steps; ++t) {
    const double *g = a.g + t * TREND_LANES, *w = a.w + t * TREND_LANES, r = a.r[t];
    for (int i = 0; i < TREND_LANES; ++i) {
      const double e = r - gamma.v[i] * g[i];
      const double square = w[i] * e * e;
      const double u = width.v[i] / (width.v[i] + square);  // (nu + 1) / nu comes later
      const double weighted = u * w[i] * g[i];
      s.rr.v[i] += u * square;
      s.gr.v[i] += weighted * r;
      s.gg.v[i] += weighted * g[i];
    }
  }
  constexpr double scale = (DEGREES + 1) / DEGREES;
  for (int i = 0; i < TREND_LANES; ++i) {
    fit.variance.v[i] = scale * s.rr.v[i] / static_cast<double>(steps) + MIN_VARIANCE;
    s.gr.v[i] *= scale;
    s.gg.v[i] *= scale;
  }
  solve_gamma(s, fit);
}

// The first gamma and scale: least squares with the weights of tau alone.
inline void least_squares(const TrendTerms& a, int64_t steps, TrendFit& fit) {
  TrendSums s;
  for (int64_t t = 0; t < steps; ++t) {
    const double *g = a.g + t * TREND_LANES, *w = a.w + t * TREND_LANES, r = a.r[t];
    for (int i = 0; i < TREND_LANES; ++i) {
      s.rr.v[i] += w[i] * r * r;
      s.gr.v[i] += w[i] * g[i] * r;
      s.gg.v[i] += w[i] * g[i] * g[i];
    }
  }
  const double count = static_cast<double>(steps);
  for (int i = 0; i < TREND_LANES; ++i) fit.variance.v[i] = s.rr.v[i] / count + MIN_VARIANCE;
  solve_gamma(s, fit);
  for (int i = 0; i < TREND_LANES; ++i) {
    const double gamma = fit.gamma.v[i];
    const double sum = s.rr.v[i] - 2 * gamma * s.gr.v[i] + gamma * gamma * s.gg.v[i];
    fit.variance.v[i] = at_least(sum, 0) / count + MIN_VARIANCE;
  }
}

// Student's log-likelihood and the log prior of gamma; log_size is the sum of log(w) of each lane. The logarithm of the
// errors is taken of products.
inline void log_posterior(const TrendTerms& a, int64_t steps, const TrendLanes& log_size, TrendFit& fit) {
  TrendLanes errors, rate;
  for (int i = 0; i < TREND_LANES; ++i) rate.v[i] = 1 / (DEGREES * fit.variance.v[i]);
  for (int64_t begin = 0; begin < steps; begin += FACTORS) {
    TrendLanes error;
    for (int i = 0; i < TREND_LANES; ++i) error.v[i] = 1;
    for (int64_t t = begin; t < min(steps, begin + FACTORS); ++t) {
      const double *g = a.g + t * TREND_LANES, *w = a.w + t * TREND_LANES, r = a.r[t];
      for (int i = 0; i < TREND_LANES; ++i) {
        const double e = r - fit.gamma.v[i] * g[i];
        error.v[i] *= 1 + w[i] * e * e * rate.v[i];
      }
    }
    for (int i = 0; i < TREND_LANES; i += DOUBLES) store(errors.v + i, load(errors.v + i) + log(load(error.v + i)));
  }
  for (int i = 0; i < TREND_LANES; i += DOUBLES) {
    const vd z = load(fit.gamma.v + i) / GAMMA_DEVIATION, variance = load(fit.variance.v + i);
    store(fit.log_posterior.v + i, -0.5 * (DEGREES + 1) * load(errors.v + i) + 0.5 * load(log_size.v + i) -
                                       0.5 * static_cast<double>(steps) * log(variance) - 0.5 * z * z);
  }
}

// The level and trend of a combination after the last value, and what its lanes found.
struct TrendModel {
  double alpha, beta, lambda, level, trend;
  TrendFit fit;
};

// The memory of one worker, (n - 1, TREND_LANES) for g and w, (3, h, TREND_LANES) for the sums over models.
struct TrendBuffers {
  double *level, *trend, *r, *g, *w, *sums;
  TrendModel* models;

  static constexpr int64_t MODEL = sizeof(TrendModel) / sizeof(double);
  static int64_t size(const TrendGrid& a, const TrendSeries& s) {
    return 3 * s.T + (2 * s.T + 3 * s.h) * TREND_LANES + a.alphas * a.betas * a.lambdas * MODEL;
  }
  TrendBuffers(double* p, const TrendSeries& s)
      : level(p),
        trend(p + s.T),
        r(p + 2 * s.T),
        g(p + 3 * s.T),
        w(g + s.T * TREND_LANES),
        sums(w + s.T * TREND_LANES),
        models(reinterpret_cast<TrendModel*>(sums + 3 * s.h * TREND_LANES)) {}
};

// What the lanes of all combinations stand for; linear: rho = tau = 0.
struct TrendExponents {
  double rho[TREND_LANES] = {};
  int64_t tau[TREND_LANES] = {};

  TrendExponents(const TrendGrid& a, bool linear) {
    for (int i = 0; i < TREND_LANES && !linear; ++i) {
      rho[i] = a.rho[i];
      tau[i] = a.tau[i];
    }
  }
};

// The forecasts of the lanes of a combination, weighted, are added to sums: values, their squares and variances,
// (h, TREND_LANES) each. A lane without weight adds nothing, though its forecast may be infinite.
inline void add_forecasts(const TrendModel& m, const TrendExponents& exponents, const TrendLanes& weight, int64_t h,
                          double* sums) {
  TrendLanes level, trend, above;
  for (int i = 0; i < TREND_LANES; ++i) {
    level.v[i] = m.level;
    trend.v[i] = m.trend;
  }
  double spread = 1;
  for (int64_t k = 0; k < h; ++k) {
    double *mean = sums + k * TREND_LANES, *square = mean + h * TREND_LANES, *variance = square + h * TREND_LANES;
    for (int i = 0; i < TREND_LANES; ++i) above.v[i] = at_least(level.v[i], MIN_LEVEL);
    const TrendLanes g = power(above, exponents.rho);
    for (int i = 0; i < TREND_LANES; ++i) {
      const double value = level.v[i] + m.fit.gamma.v[i] * g.v[i] + m.lambda * trend.v[i];
      const double size = at_least(value, MIN_LEVEL);
      const int64_t tau = exponents.tau[i];
      const double square_of_size = tau == 0 ? 1 : tau == 1 ? size : size * size;
      mean[i] += weight.v[i] == 0 ? 0 : weight.v[i] * value;
      square[i] += weight.v[i] == 0 ? 0 : weight.v[i] * value * value;
      variance[i] += weight.v[i] == 0 ? 0 : weight.v[i] * m.fit.variance.v[i] * square_of_size * spread;
      const double next = m.alpha * value + (1 - m.alpha) * level.v[i];
      trend.v[i] = m.beta * (next - level.v[i]) + (1 - m.beta) * trend.v[i];
      level.v[i] = next;
    }
    const double moved = m.alpha * (1 + m.lambda * m.beta * static_cast<double>(k + 1));
    spread += moved * moved;
  }
}

// Fits every model of the grid to y (n); returns the largest posterior.
inline double fit_models(const TrendGrid& a, const double* y, int64_t n, bool linear, const TrendBuffers& memory) {
  const TrendExponents exponents(a, linear);
  const int64_t steps = n - 1, early = min(5, steps);
  double *level = memory.level, *trend = memory.trend, *r = memory.r, *g = memory.g, *w = memory.w;
  const double first_trend = (y[early] - y[0]) / (2.0 * static_cast<double>(early));
  TrendModel* model = memory.models;
  double best = -__builtin_inf();
  for (int64_t i = 0; i < a.alphas; ++i) {
    const double alpha = a.alpha[i];
    level[0] = y[0];
    for (int64_t t = 1; t < n; ++t) level[t] = alpha * y[t] + (1 - alpha) * level[t - 1];
    for (int64_t t = 0; t < steps; ++t) {
      TrendLanes above;
      for (int lane = 0; lane < TREND_LANES; ++lane) above.v[lane] = at_least(level[t], MIN_LEVEL);
      const TrendLanes powers = power(above, exponents.rho);
      for (int lane = 0; lane < TREND_LANES; ++lane) g[t * TREND_LANES + lane] = powers.v[lane];
    }
    for (int64_t j = 0; j < a.betas; ++j) {
      trend[0] = first_trend;
      for (int64_t t = 1; t < n; ++t) trend[t] = a.beta[j] * (level[t] - level[t - 1]) + (1 - a.beta[j]) * trend[t - 1];
      for (int64_t k = 0; k < a.lambdas; ++k, ++model) {
        double product = 1, log_inverse = 0;  // of FACTORS inverses, and the sum of the logarithms of all
        for (int64_t t = 0; t < steps; ++t) {
          const double base = level[t] + a.lambda[k] * trend[t], inverse = 1 / at_least(base, MIN_LEVEL);
          const double square = inverse * inverse;
          r[t] = y[t + 1] - base;
          product *= inverse;
          if (t % FACTORS == FACTORS - 1 || t == steps - 1) {
            log_inverse += log(set1(product))[0];
            product = 1;
          }
          for (int lane = 0; lane < TREND_LANES; ++lane) {
            const int64_t tau = exponents.tau[lane];
            w[t * TREND_LANES + lane] = tau == 0 ? 1 : tau == 1 ? inverse : square;
          }
        }
        TrendLanes log_size;
        for (int lane = 0; lane < TREND_LANES; ++lane)
          log_size.v[lane] = static_cast<double>(exponents.tau[lane]) * log_inverse;
        *model = {.alpha = alpha,
                  .beta = a.beta[j],
                  .lambda = a.lambda[k],
                  .level = level[steps],
                  .trend = trend[steps],
                  .fit = {}};
        const TrendTerms terms = {.r = r, .g = g, .w = w};
        least_squares(terms, steps, model->fit);
        for (int fit = 0; fit < FITS; ++fit) reweight(terms, steps, model->fit);
        log_posterior(terms, steps, log_size, model->fit);
        for (int lane = 0; lane < a.lanes; ++lane) best = at_least(model->fit.log_posterior.v[lane], best);
      }
    }
  }
  return best;
}

// The posterior mean of the forecasts of one series, and their variance: within the models and between them.
inline void average_models(const TrendGrid& a, int64_t h, double best, bool linear, const TrendBuffers& memory,
                           double* mean, double* variance) {
  const TrendExponents exponents(a, linear);
  double total = 0, *sums = memory.sums;
  for (int64_t k = 0; k < 3 * h * TREND_LANES; ++k) sums[k] = 0;
  for (int64_t i = 0; i < a.alphas * a.betas * a.lambdas; ++i) {
    const TrendModel& m = memory.models[i];
    TrendLanes weight;
    double sum = 0;
    for (int lane = 0; lane < TREND_LANES; lane += DOUBLES) {
      const vd score = a.exponent * (load(m.fit.log_posterior.v + lane) - best), least = set1(MIN_LOG);
      store(weight.v + lane, score > least ? exp(score > least ? score : least) : vd{});
    }
    for (int lane = 0; lane < TREND_LANES; ++lane) {
      if (lane >= a.lanes) weight.v[lane] = 0;
      sum += weight.v[lane];
    }
    if (sum == 0) continue;
    total += sum;
    add_forecasts(m, exponents, weight, h, sums);
  }
  for (int64_t k = 0; k < h; ++k) {
    double sum[3] = {};
    for (int part = 0; part < 3; ++part)
      for (int lane = 0; lane < TREND_LANES; ++lane) sum[part] += sums[(part * h + k) * TREND_LANES + lane];
    mean[k] = sum[0] / total;
    variance[k] = sum[2] / total + at_least(sum[1] / total - mean[k] * mean[k], 0);
  }
}

inline void local_trend(const TrendGrid& a, const TrendSeries& s) {
  const int64_t size = TrendBuffers::size(a, s);
  const int workers = n_workers(s.series);
  const Scratch scratch(static_cast<size_t>(2 * workers * size));
  double* memory = reinterpret_cast<double*>(static_cast<float*>(scratch));
  parallel_for(s.series, workers, [&](int64_t i, int worker) {
    const TrendBuffers buffers(memory + worker * size, s);
    const double best = fit_models(a, s.y + i * s.T, s.n[i], s.linear[i] != 0, buffers);
    average_models(a, s.h, best, s.linear[i] != 0, buffers, s.mean + i * s.h, s.variance + i * s.h);
  });
}

}  // namespace gatecast::GATECAST_ISA
