// A convolution over time. In the packed layout the steps of a window lie one after the other, so that a window is the
// input of a dense layer with width * F features: the products are those of products-inl.h. Only windows that reach
// beyond the sequence, and dilated ones, are copied.
#pragma once

#include "kernels/activations-inl.h"
#include "kernels/products-inl.h"
#include "kernels/reduction-inl.h"

namespace gatecast::GATECAST_ISA {

// Steps of y per task of the forward pass; fixed, though no sum depends on it.
inline constexpr int64_t CONVOLUTION_STEPS = 32;

// The steps of x that `count` windows from `first` on read, as one array (steps, F, L): x itself, or a copy with zeros
// outside of the sequence.
template <int L>
struct WindowInputs {
  int64_t begin, steps;  // the first step of x; may be negative

  GATECAST_INLINE WindowInputs(const Convolution& a, int64_t first, int64_t count)
      : begin(first * a.stride - a.before), steps((count - 1) * a.stride + (a.width - 1) * a.dilation + 1) {}

  GATECAST_INLINE bool inside(const Convolution& a) const { return begin >= 0 && begin + steps <= a.T; }

  // x of one block; `buffer` has room for `steps` steps.
  GATECAST_INLINE const float* read(const Convolution& a, const float* x, float* buffer) const {
    const int64_t n = a.F * L;
    if (inside(a)) return x + begin * n;
    const int64_t zeros = min(steps, max(0, -begin)), end = max(zeros, min(steps, a.T - begin));
    clear(buffer, zeros * n);
    copy(buffer + zeros * n, x + (begin + zeros) * n, (end - zeros) * n);
    clear(buffer + end * n, (steps - end) * n);
    return buffer;
  }

  // Adds gradients in the same form to dx of the block.
  GATECAST_INLINE void add(const Convolution& a, const float* gradient, float* dx) const {
    const int64_t n = a.F * L, from = max(0, -begin), to = min(steps, a.T - begin);
    for_each_vector<L>(max(0, to - from) * a.F, [&](auto at) {
      float* out = dx + (begin + from) * n;
      at.store(out, at.load(out) + at.load(gradient + from * n));
    });
  }
};

// A window as (width F, L): in place, or gathered where it is dilated.
template <int L>
GATECAST_INLINE const float* window_of(const Convolution& a, const float* inputs, float* buffer) {
  if (a.dilation == 1 || a.width == 1) return inputs;
  const int64_t n = a.F * L;
  for (int64_t k = 0; k < a.width; ++k) copy(buffer + k * n, inputs + k * a.dilation * n, n);
  return buffer;
}

template <int L>
inline void convolution_lanes(const Convolution& a) {
  const int64_t K = a.width * a.F, tasks = (a.outputs + CONVOLUTION_STEPS - 1) / CONVOLUTION_STEPS;
  // No more windows than there are: between two of them lie any number of steps.
  const int64_t input_size = WindowInputs<L>(a, 0, min(CONVOLUTION_STEPS, a.outputs)).steps * a.F * L;
  const int workers = static_cast<int>(min(a.blocks * tasks, num_threads()));
  const Scratch packed(static_cast<size_t>(L == 1 ? 0 : K * a.M));
  const Scratch scratch(static_cast<size_t>(workers * (input_size + K * L)));
  const Matrix w = L == 1 ? Matrix{.W = a.W, .K = K, .stride = a.M, .M = a.M} : columns<L>(a.W, K, a.M, 0, a.M, packed);
  parallel_for(a.blocks * tasks, workers, [&](int64_t task, int worker) {
    float *buffer = scratch + worker * (input_size + K * L), *gathered = buffer + input_size;
    const int64_t block = task / tasks, first = task % tasks * CONVOLUTION_STEPS,
                  count = min(CONVOLUTION_STEPS, a.outputs - first);
    const float* inputs = WindowInputs<L>(a, first, count).read(a, a.x + block * a.T * a.F * L, buffer);
    float* y = a.y + (block * a.outputs + first) * a.M * L;
    for (int64_t t = 0; t < count; ++t) {
      const float* window = window_of<L>(a, inputs + t * a.stride * a.F * L, gathered);
      forward_product<L>({Term{&w, window}}, a.b, a.M, y + t * a.M * L);
    }
    activate<L>(a.activation, count * a.M, y);
  });
}

// Steps of y whose windows are copied at a time in the backward pass.
template <int L>
inline constexpr int64_t CONVOLUTION_CHUNK = CHUNK_STEPS<L>;

// Scratch of one thread: inputs, gathered windows, gradients of inputs and of a window, dz.
template <int L>
struct ConvolutionScratch {
  Span inputs, gathered, dinputs, dwindow, dz, padding;
  int64_t total;

  GATECAST_INLINE explicit ConvolutionScratch(const Convolution& a) {
    const int64_t input_size = WindowInputs<L>(a, 0, min(CONVOLUTION_CHUNK<L>, a.outputs)).steps * a.F * L,
                  K = a.width * a.F;
    Layout layout;
    inputs = layout.add(input_size);
    gathered = layout.add(a.dilation == 1 ? 0 : CONVOLUTION_CHUNK<L> * K * L);
    dinputs = layout.add(input_size);
    dwindow = layout.add(K * L);
    dz = layout.add(CONVOLUTION_CHUNK<L> * a.M * L);
    padding = layout.add(PANEL);  // the products read PANEL floats beyond the last dz
    total = layout.total();
  }
};

// Some blocks; dx of a block belongs to one group alone. The weights' gradients are added to `sums`: dW, then db.
template <int L>
inline void convolution_backward_blocks(const Convolution& a, const DenseGrad& d, int64_t first_block,
                                        int64_t last_block, Region scratch, float* sums) {
  const ConvolutionScratch<L> layout(a);
  const int64_t K = a.width * a.F, n = a.F * L, width = a.M * L;
  const Matrix w = {.W = a.W, .K = K, .stride = a.M, .M = a.M};
  float *dz = scratch[layout.dz], *dinputs = scratch[layout.dinputs], *dwindow = scratch[layout.dwindow];
  clear(scratch[layout.padding], PANEL);
  Prefetch no_prefetch;
  for (int64_t block = first_block; block < last_block; ++block) {
    float* dx = d.dx ? d.dx + block * a.T * n : nullptr;
    if (dx) clear(dx, a.T * n);
    for (int64_t first = 0; first < a.outputs; first += CONVOLUTION_CHUNK<L>) {
      const int count = static_cast<int>(min(CONVOLUTION_CHUNK<L>, a.outputs - first));
      const int64_t item = block * a.outputs + first;
      activation_gradient<L>(a.activation, count * a.M, a.y + item * width, d.dy + item * width, dz);
      const WindowInputs<L> range(a, first, count);
      const float *inputs = range.read(a, a.x + block * a.T * n, scratch[layout.inputs]),
                  *windows[CONVOLUTION_CHUNK<L>];
      for (int t = 0; t < count; ++t) {
        float* gathered = a.dilation == 1 ? nullptr : scratch[layout.gathered] + t * K * L;
        windows[t] = window_of<L>(a, inputs + t * a.stride * n, gathered);
      }
      const GradTerm term = {.x = windows, .K = K, .dW = sums, .stride = a.M};
      gradient_product<L>({term}, dz, width, count, a.M, sums + K * a.M);
      if (!dx) continue;
      const bool direct = range.inside(a);
      float* target = direct ? dx + range.begin * n : dinputs;
      if (!direct) clear(dinputs, range.steps * n);
      for (int t = 0; t < count; ++t) {
        float* to = target + t * a.stride * n;
        if (a.dilation == 1 || a.width == 1) {
          backward_product<L, true>(w, dz + t * width, to, no_prefetch);
          continue;
        }
        backward_product<L, false>(w, dz + t * width, dwindow, no_prefetch);
        for (int64_t k = 0; k < a.width; ++k)
          for_each_vector<L>(a.F, [&](auto at) {
            float* step = to + k * a.dilation * n;
            at.store(step, at.load(step) + at.load(dwindow + k * n));
          });
      }
      if (!direct) range.add(a, dinputs, dx);
    }
  }
}

template <int L>
inline void convolution_backward_lanes(const Convolution& a, const DenseGrad& d) {
  const int64_t K = a.width * a.F, groups = min(a.blocks, MAX_REDUCTION_GROUPS);
  const ConvolutionScratch<L> layout(a);
  const int workers = n_workers(groups);
  const Scratch scratch(static_cast<size_t>(workers * layout.total));
  reduce_in_order(
      groups, workers, (K + 1) * a.M,
      [&](int64_t g, int worker, float* sums) {
        const Region own = {.begin = scratch + worker * layout.total, .size = layout.total};
        convolution_backward_blocks<L>(a, d, g * a.blocks / groups, (g + 1) * a.blocks / groups, own, sums);
      },
      [&](const float* sums, bool first) {
        accumulate(sums, K * a.M, first, d.dW);
        accumulate(sums + K * a.M, a.M, first, d.db);
      });
}

}  // namespace gatecast::GATECAST_ISA
