// The packed layout and the records of a call, shared by every file.
//
// An array is [block, time, feature, lane], float32, C order. A block is L sequences side by side, so pointwise
// operations vectorise for any number of features, and a weight, once loaded, serves L sequences. L is LANES, or 1
// where there are only a few sequences: then vectors run over units instead (gemv-inl.h). 16 lanes are one AVX-512
// vector, two AVX2 vectors or four SSE or NEON vectors, and the common batch of 32 feeds two threads.
#pragma once

#include "include/layout.h"

namespace gatecast {

inline constexpr int LANES = 16;
inline constexpr int MAX_STATES = 4;

enum class Cell : int {
#define GATECAST_CELL(name, ...) name,
#include "cells.def"
#undef GATECAST_CELL
  count
};

// A line of cells.def: lists of names, separated by spaces.
struct CellNames {
  const char *name, *gates, *recurrent, *gradients, *states, *saved;
};

inline constexpr CellNames CELL_NAMES[] = {
#define GATECAST_CELL(name, kernel, ...) {#name, __VA_ARGS__},
#include "cells.def"
#undef GATECAST_CELL
};

// The same in numbers of names: that many times H columns of Wx (`inputs`) and of Wh, rows of dz and so on. The last
// `saved_states` of the saved rows are states, those after h.
struct CellSize {
  int inputs, recurrent, gradients, saved, states, saved_states;
};

// Constant expressions only: see the linkage rule in kernels/simd-inl.h.
constexpr int count_names(const char* list) {
  int count = *list ? 1 : 0;
  for (; *list; ++list) count += *list == ' ';
  return count;
}
constexpr const char* skip_names(const char* list, int count) {
  while (count > 0) count -= *list++ == ' ';
  return list;
}
// How many of the states after h end the list of what is saved.
constexpr int count_saved_states(const char* states, const char* saved) {
  for (int count = count_names(states) - 1; count > 0; --count) {
    if (count > count_names(saved)) continue;
    const char *tail = skip_names(saved, count_names(saved) - count), *state = skip_names(states, 1);
    while (*tail && *tail == *state) ++tail, ++state;
    if (!*tail && (!*state || *state == ' ')) return count;
  }
  return 0;
}
constexpr CellSize cell_size(const CellNames& names) {
  return {.inputs = count_names(names.gates),
          .recurrent = count_names(names.recurrent),
          .gradients = count_names(names.gradients),
          .saved = count_names(names.saved),
          .states = count_names(names.states),
          .saved_states = count_saved_states(names.states, names.saved)};
}
inline constexpr CellSize CELL_SIZES[] = {
#define GATECAST_CELL(name, kernel, ...) cell_size({#name, __VA_ARGS__}),
#include "cells.def"
#undef GATECAST_CELL
};
static_assert([] {
  for (const CellSize& size : CELL_SIZES)
    if (size.states > MAX_STATES) return false;
  return true;
}());

enum class Peephole : int { none = 0, diagonal = 1, full = 2 };

// The numbers are those of gatecast.kernels.activations.
enum class Activation : int {
  linear,
  relu,
  sigmoid,
  tanh,
  exp,
  hard_sigmoid,
  softsign,
  elu,
  selu,
  softplus,
  relu6,
  leaky_relu,  // slope 0.2 below 0
  gelu,        // the slope of this one and of silu is not a function of the value
  silu,
  count
};

// One recurrent layer over a batch. Null pointers: no such weight, zero initial state, nothing masked or dropped;
// without `saved` there will be no backward pass, and `y` may then be null too (only the last state is wanted).
struct Recurrent {
  Cell cell;
  int lanes;  // L: LANES or 1
  int64_t blocks, T, I, H;
  int64_t R;      // size of y and h: H, or what the projection makes of it
  int64_t heads;  // the recurrence is block-diagonal with this many blocks
  Peephole peephole;
  Activation activation, recurrent_activation;  // read by the cells of any activations alone
  const float* x;                               // (blocks, T, I, L)
  const float *Wx, *Wh, *b;                     // (I, inputs H), (R / heads, recurrent H), (gradients H)
  const float* P;                               // peepholes: diagonal (3H), full (H, 3H): columns i, f, o
  const float* gain;                            // (gradients H): gates are layer-normalised
  const float* Wr;                              // (H, R): projection
  const float* state0[MAX_STATES];              // h (blocks, R, L), others (blocks, H, L)
  const float* mask;                            // (blocks, T, L): 0 = skip the step, the state is carried
  const float* drop;                            // (blocks, R, L): what the recurrent products see is h * drop
  const float* zone[2];                         // (blocks, T, R or H, L): share of the old h, c that stays
  float zone_share[2];                          // the same for all, where zone is null
  float *y, *saved;                             // (blocks, T, R, L), (blocks, T, saved_rows, L)
  float* stateT[MAX_STATES];

  GATECAST_INLINE const CellSize& size() const { return CELL_SIZES[static_cast<int>(cell)]; }
  GATECAST_INLINE int64_t inputs() const { return size().inputs * H; }
  GATECAST_INLINE int64_t recurrent() const { return size().recurrent * H; }
  GATECAST_INLINE int64_t gradients() const { return size().gradients * H; }
  GATECAST_INLINE int64_t state_rows(int s) const { return s == 0 ? R : H; }
  GATECAST_INLINE bool zoned(int s) const { return s < 2 && (zone[s] != nullptr || zone_share[s] != 0); }
};

// What is saved of one step of a block: the cell's own rows, then those that options need.
struct SavedRows {
  Span gates, states[MAX_STATES];  // of the states those after h that the cell saves
  Span activation;                 // an RNN's output before zoneout changes it
  Span u;                          // h before the projection
  Span norm, rate;                 // normalised gates; 1 / standard deviation, a row a gate
  Span h_dropped;                  // h before the step as the recurrent products see it
  int64_t total;                   // floats

  GATECAST_INLINE explicit SavedRows(const Recurrent& a) {
    const CellSize& size = a.size();
    const int64_t L = a.lanes;
    Layout layout;
    gates = layout.add((size.saved - size.saved_states) * a.H * L);
    for (int k = 1; k <= size.saved_states; ++k) states[k] = layout.add(a.H * L);
    activation = layout.add(size.saved == 0 && a.zoned(0) ? a.H * L : 0);
    u = layout.add(a.Wr ? a.H * L : 0);
    norm = layout.add(a.gain ? a.gradients() * L : 0);
    rate = layout.add(a.gain ? size.gradients * L : 0);
    h_dropped = layout.add(a.drop ? a.R * L : 0);
    total = layout.total();
  }
};

// Gradients of a recurrent layer. dy, dstateT may be null (zero), dx, dstate0 may be null (not wanted).
struct RecurrentGrad {
  const float *dy, *dstateT[MAX_STATES];
  float *dx, *dstate0[MAX_STATES];
  float *dWx, *dWh, *db, *dP, *dgain, *dWr;
};

// A dense layer y = activation(x W + b) over `items` = blocks x T packed rows.
struct Dense {
  int lanes;
  int64_t items, K, M;
  const float* x;      // (items, K, L)
  const float *W, *b;  // (K, M), (M)
  Activation activation;
  float* y;  // (items, M, L)
};
// Its gradients; dx may be null (not wanted).
struct DenseGrad {
  const float* dy;
  float *dx, *dW, *db;
};

// A convolution over time, y[t] = activation(b + sum_k W[k] x[t stride + k dilation - before]); x is 0 outside.
struct Convolution {
  int lanes;
  int64_t blocks, T, F, M, width, stride, dilation, before, outputs;  // `outputs` steps of y
  const float* x;                                                     // (blocks, T, F, L)
  const float *W, *b;                                                 // (width, F, M), (M)
  Activation activation;
  float* y;  // (blocks, outputs, M, L)
};

// Pooling over time: windows of `size` steps, `stride` apart, the first beginning `before` steps ahead of x. Steps
// outside of x do not count.
struct Pooling {
  int lanes;
  int64_t blocks, T, F, size, stride, before, outputs;
  bool maximum;  // or the mean
};

// Q quantiles for each of K target values, in `items` = blocks x T packed rows (items, K Q, L).
struct Quantiles {
  int lanes;
  int64_t items, K, Q;
};

// What a loss is, and what it reads: Q predictions for each of K target values, in `items` packed rows.
enum class LossKind : int { squared, absolute, huber, pinball };
struct Loss {
  LossKind kind;
  int lanes;
  int64_t items, K, Q;
  const float *prediction, *target, *weight;  // (items, K Q, L), (items, K, L), (items, weights, L)
  int64_t weights;                            // K, or 1: one for all target values of an item
  const float* parameters;                    // pinball: (Q) levels; huber: (1) delta
  float scale;                                // of the gradient
};

inline constexpr int MAX_STACK_LAYERS = 32;
enum class StackKind : int { recurrent, dense, dropout, quantiles };

// A layer of a stack. Its sizes and weights are set; what depends on the batch is not: x, y, saved, mask, blocks, T.
struct StackLayer {
  StackKind kind;
  int64_t rows_in, rows_out;
  bool residual;     // y = x + layer(x)
  bool sequences;    // the outputs of all steps; false: that of the last one
  int64_t dilation;  // of a recurrent layer: step t continues step t - dilation
  Recurrent recurrent;
  RecurrentGrad recurrent_grad;
  Dense dense;
  DenseGrad dense_grad;
  float rate;      // of dropout: of the values of a dropout layer, or of h as the recurrent products see it
  bool all_steps;  // a dropout layer drops the same features at every step
  uint64_t key;    // of dropout in this pass
  int64_t Q;       // of the quantile head
};

// A training step of a stack of layers on one batch: the loss, and the gradients of all weights.
struct Stack {
  const StackLayer* layers;
  int count;
  int64_t blocks, T;
  const float *x, *mask;  // (blocks, T, rows, L), (blocks, T, L) or null
  Loss loss;              // of the whole batch; its prediction is not set
  float *dx, *dy;         // gradients of the inputs and outputs, null: not wanted
};

// Constants of one step of Adam. 1 - beta comes from float64: formed in float32 from a beta of 0.999 it would be off by
// 1e-5. debias = 1 / (1 - beta^step).
struct Adam {
  float beta1, one_minus_beta1, beta2, one_minus_beta2, eps, debias1, debias2;
};

// A grid of models with a local and a global trend.
struct TrendGrid {
  const double *alpha, *beta, *lambda;  // (alphas), (betas), (lambdas)
  int64_t alphas, betas, lambdas;
  const double* rho;   // (16): of the lanes, of which the first `lanes` count
  const int64_t* tau;  // (16): twice the exponent of the error's size: 0, 1 or 2
  int lanes;
  double exponent;  // of the posterior weights
};

// The series that they are fitted to, in units of their mean sizes, and the forecasts.
struct TrendSeries {
  int64_t series, T, h;
  const double* y;          // (series, T), aligned at the beginning
  const int64_t* n;         // (series): values of each, at least 2
  const int64_t* linear;    // (series): 1 = rho and tau are 0 in every lane, for series that are not positive
  double *mean, *variance;  // (series, h)
};

// The theta method's sums of products, for every series and each of its smoothing weights.
struct ThetaSeries {
  int64_t series, T, alphas;
  const double* y;       // (series, T), aligned at the beginning
  const int64_t* n;      // (series): values of each
  const int64_t* first;  // (series): first step, at least 1, whose error counts
  const double* alpha;   // (series, alphas)
  double* sums;          // (6, series, alphas)
};

// Series with a fitted theta method, and its forecasts.
struct ThetaFits {
  int64_t series, T, h;
  const double* y;                  // (series, T), aligned at the beginning
  const int64_t* n;                 // (series): values of each
  const double *alpha, *w, *first;  // (series)
  double* point;                    // (series, h)
};

// Exponential smoothing of levels and seasons, time first.
struct SeasonalSmoothing {
  int64_t T, B, m;
  const double* z;                // (T, B)
  const uint8_t* observed;        // (T, B): 1 or 0
  const double *alpha, *gamma;    // (B)
  const double* start;            // (m, B)
  double *level, *season, *gain;  // (T, B), (T + m, B), (T, B)
};

struct SeasonalSmoothingGrad {
  const double *dlevel, *dseason;    // (T, B), (T + m, B)
  double *dalpha, *dgamma, *dstart;  // (B), (B), (m, B)
};

// Lags of an autoregression.
inline constexpr int AUTOREGRESSION_LAGS = 8;

// Rows of a fitted autoregression: coefficients, constant, newest values, limits.
inline constexpr int AUTOREGRESSION_STATE = 2 * AUTOREGRESSION_LAGS + 3;

// An autoregression at every step of series, fitted to the values up to it, time first.
struct Autoregression {
  int64_t T, B, first, cycle;  // results from step `first` on; the longer of two horizons of past errors
  double margin;               // by which forecasts may leave the range of the values, in ranges
  const double *x, *observed;  // (T, B): without gaps; 1 or 0
  const double *unit, *level;  // (T, B)
  const double* ridge;         // (LAGS + 1)
  const int64_t* horizons;     // (n_horizons): increasing, of `points`
  int64_t n_horizons;
  double *state, *points, *errors;  // (STATE, T - first, B), (n_horizons, ...), (2, ...)
};

// The kernels of one instruction-set level.
struct Kernels {
  const char* name;
  void (*forward)(const Recurrent&);
  void (*backward)(const Recurrent&, const RecurrentGrad&);
  void (*dense_forward)(const Dense&);
  void (*dense_backward)(const Dense&, const DenseGrad&);
  void (*adam)(float* m, float* v, float* g, int64_t n, const Adam&);
  void (*dropout)(const float* x, float* y, int64_t n, float rate, uint64_t key);
  void (*quantiles_forward)(const Quantiles&, const float* x, float* y);
  void (*quantiles_backward)(const Quantiles&, const float* x, const float* dy, float* dx);
  double (*loss)(const Loss&, float* gradient);
  double (*train_stack)(const Stack&);
  void (*local_trend)(const TrendGrid&, const TrendSeries&);
  void (*theta_sums)(const ThetaSeries&);
  void (*theta_forecast)(const ThetaFits&);
  void (*seasonal_smoothing)(const SeasonalSmoothing&);
  void (*seasonal_smoothing_backward)(const SeasonalSmoothing&, const SeasonalSmoothingGrad&);
  void (*autoregression)(const Autoregression&);
  void (*autoregression_forecast)(const double* state, int64_t n, int64_t steps, double* points);
  void (*activation)(Activation, const float* x, float* y, int64_t n);
  void (*activation_backward)(Activation, const float* x, const float* dy, float* dx, int64_t n);
  void (*convolution)(const Convolution&);
  void (*convolution_backward)(const Convolution&, const DenseGrad&);
  void (*pooling)(const Pooling&, const float* x, float* y);
  void (*pooling_backward)(const Pooling&, const float* x, const float* dy, float* dx);
};

}  // namespace gatecast
