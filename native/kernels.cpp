// The kernels of one instruction-set level: compiled once per level with -DGATECAST_ISA=<name> and its -march.
#include "scan.h"

namespace gatecast::GATECAST_ISA {
namespace {

// Items of a dense layer that one task computes; a fixed number, so that sums never depend on the thread count.
constexpr int64_t SPAN = 64;

void dense_forward(const Dense& a, float* y) {
  const Scratch packed(static_cast<size_t>(a.K * a.M));
  pack_tiles(a.W, a.K, a.M, packed);
  const float* W = packed;
  parallel_for((a.items + SPAN - 1) / SPAN, [&](int64_t task) {
    for (int64_t n = task * SPAN; n < least(a.items, (task + 1) * SPAN); ++n)
      product_forward<1>({{W, a.x + n * a.K * LANES, a.K}}, a.b, a.M, y + n * a.M * LANES);
  });
}

void dense_backward(const Dense& a, const float* dy, float* dx, float* dW, float* db) {
  const int64_t stride = panel_stride(a.M), size = (a.K + 1) * stride;
  const int64_t groups = least((a.items + SPAN - 1) / SPAN, GROUPS);
  const Scratch scratch(static_cast<size_t>(groups * size));
  float* partial = scratch;
  parallel_for(groups, [&](int64_t g) {
    float* sums = partial + g * size;
    clear(sums, size);
    const int64_t last = (g + 1) * a.items / groups;
    for (int64_t n = g * a.items / groups; n < last; n += CHUNK) {
      const int count = static_cast<int>(least(CHUNK, last - n));
      const float *x[CHUNK], *dz[CHUNK];
      for (int i = 0; i < count; ++i) {
        x[i] = a.x + (n + i) * a.K * LANES;
        dz[i] = dy + (n + i) * a.M * LANES;
        if (dx) product_backward<false>(a.W, a.M, a.K, dz[i], a.M, dx + (n + i) * a.K * LANES);
      }
      product_gradient<1>({{x, a.K, sums}}, dz, count, a.M, sums + a.K * stride);
    }
  });
  sum_groups(partial, groups, a.K, 0, a.K + 1, a.M, a.M, dW);
  sum_groups(partial, groups, 1, a.K, a.K + 1, a.M, a.M, db);
}

// Adam's direction (Kingma & Ba 2015, algorithm 1), m and v updated, g replaced.
void adam(float* m, float* v, float* g, int64_t n, const Adam& a) {
  for (int64_t i = 0; i < n; ++i) {
    m[i] = a.beta1 * m[i] + a.rest1 * g[i];
    v[i] = a.beta2 * v[i] + a.rest2 * g[i] * g[i];
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
  constexpr int64_t SLICE = 1 << 16;  // some 30 microseconds of work: less is not worth waking a thread for
  const float scale = 1.0f / (1.0f - rate);
  const int32_t threshold = static_cast<int32_t>(rate * 16777216.0f);  // of the upper 24 bits
  parallel_for((n + SLICE - 1) / SLICE, [&](int64_t slice) {
    const uint32_t a = mix(static_cast<uint32_t>(key) + 0x9e3779b9u * static_cast<uint32_t>(slice));
    const uint32_t b = mix(a ^ static_cast<uint32_t>(key >> 32));
    const int64_t begin = slice * SLICE, count = least(SLICE, n - begin);
    const float* in = x + begin;
    float* out = y + begin;
    for (int32_t i = 0; i < static_cast<int32_t>(count); ++i) {
      const int32_t bits = static_cast<int32_t>(mix(mix(static_cast<uint32_t>(i) ^ a) + b) >> 8);
      const float kept =
          in[i] * scale;  // read before the choice: a load that may not happen keeps GCC from vectorising
      out[i] = bits < threshold ? 0.0f : kept;
    }
  });
}

void apply(int function, const float* x, float* y, int64_t n) {
  for (int64_t i = 0; i < n; i += VL) {
    float part[VL] = {};
    const int64_t count = least(VL, n - i);
    copy(part, x + i, count);
    const vf in = load(part);
    store(part, function == 0 ? exp(in) : function == 1 ? sigmoid(in) : tanh(in));
    copy(y + i, part, count);
  }
}

}  // namespace

#define GATECAST_STRING_(name) #name
#define GATECAST_STRING(name) GATECAST_STRING_(name)
extern const Kernels kernels;
const Kernels kernels = {
    GATECAST_STRING(GATECAST_ISA), lstm_forward, lstm_backward, dense_forward, dense_backward, adam, dropout, apply};

}  // namespace gatecast::GATECAST_ISA
