// The kernels of one instruction-set level: compiled once per level with -DGATECAST_ISA=<name> and its -march.
#include "kernels/autoregression-inl.h"
#include "kernels/block_order-inl.h"
#include "kernels/convolution-inl.h"
#include "kernels/local_trend-inl.h"
#include "kernels/pooling-inl.h"
#include "kernels/seasonal_smoothing-inl.h"
#include "kernels/theta-inl.h"

namespace gatecast::GATECAST_ISA {
namespace {

void forward(const Recurrent& a) {
  with_cell(a.cell, [&]<typename C>() { a.lanes == 1 ? forward_layer<C, 1>(a) : forward_layer<C, LANES>(a); });
}

void backward(const Recurrent& a, const RecurrentGrad& d) {
  with_cell(a.cell, [&]<typename C>() { a.lanes == 1 ? backward_layer<C, 1>(a, d) : backward_layer<C, LANES>(a, d); });
}

// Items of a dense layer per task; fixed, so that sums never depend on the number of threads.
constexpr int64_t ITEMS_PER_TASK = 64;

template <int L>
void dense_forward_lanes(const Dense& a) {
  const Scratch buffer(static_cast<size_t>(L == 1 ? 0 : a.K * a.M));
  const Matrix w = prepare_dense<L>(a, buffer);
  parallel_for((a.items + ITEMS_PER_TASK - 1) / ITEMS_PER_TASK, num_threads(), [&](int64_t task, int) {
    dense_forward_items<L>(a, w, task * ITEMS_PER_TASK, min(a.items, (task + 1) * ITEMS_PER_TASK));
  });
}

template <int L>
void dense_backward_lanes(const Dense& a, const DenseGrad& d) {
  const int64_t reduction_groups = min((a.items + ITEMS_PER_TASK - 1) / ITEMS_PER_TASK, MAX_REDUCTION_GROUPS);
  const int64_t size = dense_scratch_size<L>(a);
  const int workers = n_workers(reduction_groups);
  const Scratch scratch(static_cast<size_t>(workers * size));
  reduce_in_order(
      reduction_groups, workers, (a.K + 1) * a.M,
      [&](int64_t g, int worker, float* sums) {
        const int64_t first = g * a.items / reduction_groups, last = (g + 1) * a.items / reduction_groups;
        dense_backward_items<L>(a, d, first, last, scratch + worker * size, sums);
      },
      [&](const float* sums, bool first) { accumulate_dense(a, d, sums, first); });
}

void dense_forward(const Dense& a) {
  a.lanes == 1 ? dense_forward_lanes<1>(a) : dense_forward_lanes<LANES>(a);
}

void dense_backward(const Dense& a, const DenseGrad& d) {
  a.lanes == 1 ? dense_backward_lanes<1>(a, d) : dense_backward_lanes<LANES>(a, d);
}

// Adam's direction (Kingma & Ba 2015, algorithm 1), m and v updated, g replaced.
void adam(float* m, float* v, float* g, int64_t n, const Adam& a) {
  for (int64_t i = 0; i < n; ++i) {
    m[i] = a.beta1 * m[i] + a.one_minus_beta1 * g[i];
    v[i] = a.beta2 * v[i] + a.one_minus_beta2 * g[i] * g[i];
    g[i] = m[i] * a.debias1 / (__builtin_sqrtf(v[i] * a.debias2) + a.eps);
  }
}

void dropout(const float* x, float* y, int64_t n, float rate, uint64_t key) {
  parallel_for((n + DROPOUT_SLICE - 1) / DROPOUT_SLICE, num_threads(), [&](int64_t slice, int) {
    const int64_t begin = slice * DROPOUT_SLICE, end = min(n, begin + DROPOUT_SLICE);
    dropout_range(x + begin, y + begin, begin, end, rate, key);
  });
}

void quantiles_forward(const Quantiles& a, const float* x, float* y) {
  for_each_task(a.items, a.K * a.Q * a.lanes, [&](int64_t, int64_t first, int64_t last) {
    a.lanes == 1 ? quantiles_forward_items<1>(a, first, last, x, y)
                 : quantiles_forward_items<LANES>(a, first, last, x, y);
  });
}

void quantiles_backward(const Quantiles& a, const float* x, const float* dy, float* dx) {
  for_each_task(a.items, a.K * a.Q * a.lanes, [&](int64_t, int64_t first, int64_t last) {
    a.lanes == 1 ? quantiles_backward_items<1>(a, first, last, x, dy, dx)
                 : quantiles_backward_items<LANES>(a, first, last, x, dy, dx);
  });
}

double loss(const Loss& a, float* gradient) {
  return a.lanes == 1 ? loss_lanes<1>(a, gradient) : loss_lanes<LANES>(a, gradient);
}

double train_stack(const Stack& s) {
  return train_stack_lanes(s);
}

void convolution(const Convolution& a) {
  a.lanes == 1 ? convolution_lanes<1>(a) : convolution_lanes<LANES>(a);
}

void convolution_backward(const Convolution& a, const DenseGrad& d) {
  a.lanes == 1 ? convolution_backward_lanes<1>(a, d) : convolution_backward_lanes<LANES>(a, d);
}

// f(block), in threads where the blocks are large enough.
template <typename F>
void for_each_block(const Pooling& a, F&& f) {
  const double seconds = static_cast<double>(a.blocks * a.T * a.F * a.lanes) * 1e-9;
  parallel_for(a.blocks, static_cast<int>(min(a.blocks, worthwhile_threads(seconds))),
               [&](int64_t block, int) { f(block * a.T * a.F * a.lanes, block * a.outputs * a.F * a.lanes); });
}

void pooling(const Pooling& a, const float* x, float* y) {
  for_each_block(a, [&](int64_t in, int64_t out) {
    a.lanes == 1 ? pooling_block<1>(a, x + in, y + out) : pooling_block<LANES>(a, x + in, y + out);
  });
}

void pooling_backward(const Pooling& a, const float* x, const float* dy, float* dx) {
  for_each_block(a, [&](int64_t in, int64_t out) {
    a.lanes == 1 ? pooling_backward_block<1>(a, x + in, dy + out, dx + in)
                 : pooling_backward_block<LANES>(a, x + in, dy + out, dx + in);
  });
}

// f(begin, count) for slices of n numbers, in threads where they are many.
template <typename F>
void for_each_slice(int64_t n, F&& f) {
  constexpr int64_t SLICE = 1 << 14;
  const int64_t slices = (n + SLICE - 1) / SLICE;
  parallel_for(slices, static_cast<int>(min(slices, num_threads())),
               [&](int64_t slice, int) { f(slice * SLICE, min(SLICE, n - slice * SLICE)); });
}

void activation(Activation function, const float* x, float* y, int64_t n) {
  for_each_slice(n, [&](int64_t begin, int64_t count) {
    copy(y + begin, x + begin, count);
    activate<1>(function, count, y + begin);
  });
}

void activation_backward(Activation function, const float* x, const float* dy, float* dx, int64_t n) {
  with_activation(function, [&]<Activation f>() {
    for_each_slice(n, [&](int64_t begin, int64_t count) {
      const float *in = x + begin, *d = dy + begin;
      float* out = dx + begin;
      for_each_vector<1>(count, [&](auto at) {
        const vf z = at.load(in);
        at.store(out, at.load(d) * slope_of<f>(z, value_of<f>(z)));
      });
    });
  });
}

}  // namespace

#define GATECAST_STRING_(name) #name
#define GATECAST_STRING(name) GATECAST_STRING_(name)
extern const Kernels kernels;
const Kernels kernels = {.name = GATECAST_STRING(GATECAST_ISA),
                         .forward = forward,
                         .backward = backward,
                         .dense_forward = dense_forward,
                         .dense_backward = dense_backward,
                         .adam = adam,
                         .dropout = dropout,
                         .quantiles_forward = quantiles_forward,
                         .quantiles_backward = quantiles_backward,
                         .loss = loss,
                         .train_stack = train_stack,
                         .local_trend = local_trend,
                         .theta_sums = theta_sums,
                         .theta_forecast = theta_forecast,
                         .seasonal_smoothing = seasonal_smoothing,
                         .seasonal_smoothing_backward = seasonal_smoothing_backward,
                         .autoregression = autoregression,
                         .autoregression_forecast = autoregression_forecast,
                         .activation = activation,
                         .activation_backward = activation_backward,
                         .convolution = convolution,
                         .convolution_backward = convolution_backward,
                         .pooling = pooling,
                         .pooling_backward = pooling_backward};

}  // namespace gatecast::GATECAST_ISA
