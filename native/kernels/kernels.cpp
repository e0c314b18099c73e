// The kernels of one instruction-set level: compiled once per level with -DGATECAST_ISA=<name> and its -march.
#include "kernels/cells/gru-inl.h"
#include "kernels/cells/lstm-inl.h"
#include "kernels/cells/minimal-inl.h"
#include "kernels/cells/rnn-inl.h"
#include "kernels/cells/slstm-inl.h"
#include "kernels/local_trend-inl.h"
#include "kernels/quantile-inl.h"
#include "kernels/scan-inl.h"

namespace gatecast::GATECAST_ISA {
namespace {

// f.template operator()<C>() for the kernel C of a cell.
template <typename F>
GATECAST_INLINE void with_cell(Cell cell, F&& f) {
  switch (cell) {
#define GATECAST_CELL(name, kernel, ...) \
  case Cell::name:                       \
    return f.template operator()<kernel>();
#include "cells.def"
#undef GATECAST_CELL
    case Cell::count:
      return;
  }
}

void forward(const Recurrent& a) {
  with_cell(a.cell, [&]<typename C>() { a.lanes == 1 ? forward_layer<C, 1>(a) : forward_layer<C, LANES>(a); });
}

void backward(const Recurrent& a, const RecurrentGrad& d) {
  with_cell(a.cell, [&]<typename C>() { a.lanes == 1 ? backward_layer<C, 1>(a, d) : backward_layer<C, LANES>(a, d); });
}

// Items of a dense layer per task; fixed, so that sums never depend on the number of threads.
constexpr int64_t ITEMS_PER_TASK = 64;

template <int L>
void dense_forward_lanes(const Dense& a, float* y) {
  const Scratch buffer(static_cast<size_t>(L == 1 ? 0 : a.K * a.M));
  const Matrix w =
      L == 1 ? Matrix{.W = a.W, .K = a.K, .stride = a.M, .M = a.M} : columns<L>(a.W, a.K, a.M, 0, a.M, buffer);
  const int64_t tasks = (a.items + ITEMS_PER_TASK - 1) / ITEMS_PER_TASK;
  parallel_for(tasks, num_threads(), [&](int64_t task, int) {
    for (int64_t n = task * ITEMS_PER_TASK; n < min(a.items, (task + 1) * ITEMS_PER_TASK); ++n)
      forward_product<L>({Term{&w, a.x + n * a.K * L}}, a.b, a.M, y + n * a.M * L);
  });
}

template <int L>
void dense_backward_lanes(const Dense& a, const float* dy, float* dx, float* dW, float* db) {
  const Matrix w = {.W = a.W, .K = a.K, .stride = a.M, .M = a.M};
  const int64_t size = (a.K + 1) * a.M, width = a.M * L;
  const int64_t reduction_groups = min((a.items + ITEMS_PER_TASK - 1) / ITEMS_PER_TASK, MAX_REDUCTION_GROUPS);
  // For a single sequence the products read up to PANEL floats past the end: dy is copied to where that is allowed.
  const int64_t dy_size = L == 1 ? CHUNK_STEPS<L> * width + PANEL : 0;
  const Scratch padded_dy(static_cast<size_t>(n_workers(reduction_groups) * dy_size));
  clear(padded_dy, n_workers(reduction_groups) * dy_size);
  const auto group = [&](int64_t g, int worker, float* sums) {
    const int64_t last = (g + 1) * a.items / reduction_groups;
    for (int64_t n = g * a.items / reduction_groups; n < last; n += CHUNK_STEPS<L>) {
      const int count = static_cast<int>(min(CHUNK_STEPS<L>, last - n));
      const float *x[CHUNK_STEPS<L>], *dz = dy + n * width;
      Prefetch no_prefetch;
      for (int i = 0; i < count; ++i) {
        x[i] = a.x + (n + i) * a.K * L;
        if (dx) backward_product<L, false>(w, dz + i * width, dx + (n + i) * a.K * L, no_prefetch);
      }
      if (L == 1) {
        copy(padded_dy + worker * dy_size, dz, count * width);
        dz = padded_dy + worker * dy_size;
      }
      const GradTerm x_term = {.x = x, .K = a.K, .dW = sums, .stride = a.M};
      gradient_product<L>({x_term}, dz, width, count, a.M, sums + a.K * a.M);
    }
  };
  reduce_in_order(reduction_groups, size, group, [&](const float* sums, bool first) {
    accumulate(sums, a.K * a.M, first, dW);
    accumulate(sums + a.K * a.M, a.M, first, db);
  });
}

void dense_forward(const Dense& a, float* y) {
  a.lanes == 1 ? dense_forward_lanes<1>(a, y) : dense_forward_lanes<LANES>(a, y);
}

void dense_backward(const Dense& a, const float* dy, float* dx, float* dW, float* db) {
  a.lanes == 1 ? dense_backward_lanes<1>(a, dy, dx, dW, db) : dense_backward_lanes<LANES>(a, dy, dx, dW, db);
}

// Adam's direction (Kingma & Ba 2015, algorithm 1), m and v updated, g replaced.
void adam(float* m, float* v, float* g, int64_t n, const Adam& a) {
  for (int64_t i = 0; i < n; ++i) {
    m[i] = a.beta1 * m[i] + a.one_minus_beta1 * g[i];
    v[i] = a.beta2 * v[i] + a.one_minus_beta2 * g[i] * g[i];
    g[i] = m[i] * a.debias1 / (__builtin_sqrtf(v[i] * a.debias2) + a.eps);
  }
}

// A 32-bit mixing function with low bias (Wellons 2018, "hash prospector", the second generation of lowbias32).
GATECAST_INLINE uint32_t mix(uint32_t x) {
  x ^= x >> 16;
  x *= 0x21f0aaadu;
  x ^= x >> 15;
  x *= 0xd35a2d97u;
  return x ^ (x >> 15);
}

// y = x * keep / (1 - rate). keep is a pure function of (key, position): no mask is stored, and the backward pass
// is this function again.
void dropout(const float* x, float* y, int64_t n, float rate, uint64_t key) {
  constexpr int64_t SLICE = 1 << 16;  // about 30 microseconds of work: less is not worth waking a thread for
  const float scale = 1.0f / (1.0f - rate);
  const int32_t threshold = static_cast<int32_t>(rate * 16777216.0f);  // of the upper 24 bits
  parallel_for((n + SLICE - 1) / SLICE, num_threads(), [&](int64_t slice, int) {
    const uint32_t a = mix(static_cast<uint32_t>(key) + 0x9e3779b9u * static_cast<uint32_t>(slice));
    const uint32_t b = mix(a ^ static_cast<uint32_t>(key >> 32));
    const int64_t begin = slice * SLICE, count = min(SLICE, n - begin);
    const float* in = x + begin;
    float* out = y + begin;
    for (int32_t i = 0; i < static_cast<int32_t>(count); ++i) {
      const int32_t bits = static_cast<int32_t>(mix(mix(static_cast<uint32_t>(i) ^ a) + b) >> 8);
      const float scaled =
          in[i] * scale;  // read before the choice: a load that may not happen keeps GCC from vectorising
      out[i] = bits < threshold ? 0.0f : scaled;
    }
  });
}

void quantiles_forward(const Quantiles& a, const float* x, float* y) {
  a.lanes == 1 ? quantiles_forward_lanes<1>(a, x, y) : quantiles_forward_lanes<LANES>(a, x, y);
}

void quantiles_backward(const Quantiles& a, const float* x, const float* dy, float* dx) {
  a.lanes == 1 ? quantiles_backward_lanes<1>(a, x, dy, dx) : quantiles_backward_lanes<LANES>(a, x, dy, dx);
}

double pinball(const Quantiles& a, const Pinball& p, float* gradient) {
  return a.lanes == 1 ? pinball_lanes<1>(a, p, gradient) : pinball_lanes<LANES>(a, p, gradient);
}

void activation(Activation function, const float* x, float* y, int64_t n) {
  for (int64_t i = 0; i < n; i += VL) {
    float part[VL] = {};
    const int64_t count = min(VL, n - i);
    copy(part, x + i, count);
    const vf in = load(part);
    store(part, function == Activation::exp ? exp(in) : function == Activation::sigmoid ? sigmoid(in) : tanh(in));
    copy(y + i, part, count);
  }
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
                         .pinball = pinball,
                         .local_trend = local_trend,
                         .activation = activation};

}  // namespace gatecast::GATECAST_ISA
