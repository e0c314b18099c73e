// The packed layout, shared by every file: [block, time, feature, lane], float32, C order.
//
// A block is LANES sequences side by side, so every pointwise operation vectorises whatever the feature count is,
// and a weight, once loaded, serves LANES sequences. 16 lanes are one AVX-512 vector, two AVX2 vectors or four SSE
// or NEON vectors: the batch of 32 that everybody uses then feeds two threads without splitting a block.
#pragma once

#include <cstdint>

namespace gatecast {

inline constexpr int LANES = 16;

enum class Peephole : int { none = 0, diagonal = 1, full = 2 };

// One LSTM layer over a batch. Null pointers: no peephole, zero initial state, nothing masked; with `gates` null
// nothing is kept for a backward pass, and `y` may then be null too (only the last state is wanted).
struct Lstm {
  int64_t blocks, T, I, H;
  Peephole peephole;
  const float* x;            // (blocks, T, I, lane)
  const float *Wx, *Wh, *b;  // (I, 4H), (H, 4H), (4H): columns in the order i, f, o, g
  const float* P;            // diagonal (3H), full (H, 3H): columns i, f, o
  const float *h0, *c0;      // (blocks, H, lane)
  const float* mask;         // (blocks, T, lane): 0 = skip the step, the state is carried
  float *y, *c, *gates;      // (blocks, T, H, lane) twice, (blocks, T, 4H, lane)
  float *hT, *cT;            // (blocks, H, lane)
};

// Gradients of one LSTM layer. The forward pass' `gates` are overwritten by dz. dy, dhT, dcT may be null (zero),
// dx, dh0, dc0 may be null (not wanted).
struct LstmGrad {
  const float *dy, *dhT, *dcT;
  float *dx, *dh0, *dc0;
  float *dWx, *dWh, *db, *dP;
};

// A dense layer y = x W + b over `items` = blocks x T packed rows.
struct Dense {
  int64_t items, K, M;
  const float* x;      // (items, K, lane)
  const float *W, *b;  // (K, M), (M)
};

// Constants of one step of Adam: rest = 1 - beta, which float32 cannot form from a beta near 1 (0.999 would be off by
// 1e-5), and debias = 1 / (1 - beta^step).
struct Adam {
  float beta1, rest1, beta2, rest2, eps, debias1, debias2;
};

// The kernels of one instruction-set level.
struct Kernels {
  const char* name;
  void (*lstm_forward)(const Lstm&);
  void (*lstm_backward)(const Lstm&, const LstmGrad&);
  void (*dense_forward)(const Dense&, float* y);
  void (*dense_backward)(const Dense&, const float* dy, float* dx, float* dW, float* db);
  void (*adam)(float* m, float* v, float* g, int64_t n, const Adam&);
  void (*dropout)(const float* x, float* y, int64_t n, float rate, uint64_t key);
  void (*apply)(int function, const float* x, float* y, int64_t n);  // 0 exp, 1 sigmoid, 2 tanh: for the tests
};

}  // namespace gatecast
