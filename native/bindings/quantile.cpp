// The Python bindings of the quantile head (kernels/quantile-inl.h).
#include "bindings/arrays.h"
#include "runtime/cpu_dispatch.h"

namespace {

using namespace gatecast::bind;
using nb::literals::operator""_a;

int64_t axis(const In& x, size_t number) {
  return static_cast<int64_t>(x.shape(number));
}

void expect_like(const char* name, const In& a, const In& x) {
  expect(name, a, {axis(x, 0), axis(x, 1), axis(x, 2), axis(x, 3)});
}

Out make_like(const In& x) {
  return make({axis(x, 0), axis(x, 1), axis(x, 2), axis(x, 3)});
}

// The sizes of an array of quantiles (blocks, T, K Q, L).
gatecast::Quantiles checked_quantiles(const In& x, int64_t Q) {
  const int lanes = lanes_of(x);
  expect_like("x", x, x);
  if (Q < 1 || x.size() == 0 || axis(x, 2) % Q)
    throw nb::value_error("the features must be a multiple of the number of quantiles, and none of the axes empty");
  return {.lanes = lanes, .items = axis(x, 0) * axis(x, 1), .K = axis(x, 2) / Q, .Q = Q};
}

Out quantiles_forward(In x, int64_t count) {
  const gatecast::Quantiles a = checked_quantiles(x, count);
  Out y = make_like(x);
  const float* p = x.data();
  float* q = y.data();
  {
    const WithoutLock without_lock;
    gatecast::kernels().quantiles_forward(a, p, q);
  }
  return y;
}

Out quantiles_backward(In x, In dy, int64_t count) {
  const gatecast::Quantiles a = checked_quantiles(x, count);
  expect_like("dy", dy, x);
  Out dx = make_like(x);
  const float *p = x.data(), *q = dy.data();
  float* r = dx.data();
  {
    const WithoutLock without_lock;
    gatecast::kernels().quantiles_backward(a, p, q, r);
  }
  return dx;
}

}  // namespace

void gatecast::bind_quantiles(nanobind::module_& m) {
  m.def("quantiles_forward", &quantiles_forward, "x"_a.noconvert(), "count"_a);
  m.def("quantiles_backward", &quantiles_backward, "x"_a.noconvert(), "dy"_a.noconvert(), "count"_a);
}
