// The Python bindings of convolutions and pooling over time, and of activations by themselves.
#include "bindings/arrays.h"
#include "runtime/cpu_dispatch.h"

namespace {

using namespace gatecast::bind;
using nb::literals::operator""_a;

int64_t axis(const In& x, size_t number) {
  return static_cast<int64_t>(x.shape(number));
}

// The windows of a layer: `outputs` of them, the last of which begins before the end of the sequence.
void check_windows(int64_t T, int64_t size, int64_t stride, int64_t before, int64_t outputs) {
  if (size < 1 || stride < 1 || before < 0 || before >= size || outputs < 1)
    throw nb::value_error("windows need a size, a stride and outputs, and begin inside of their size before x");
  if (outputs > (int64_t{1} << 40) || stride > (int64_t{1} << 20) || (outputs - 1) * stride - before >= T)
    throw nb::value_error("the last window begins behind the end of x");
}

gatecast::Convolution checked_convolution(const In& x, const In& W, const MaybeIn& b, int64_t stride, int64_t dilation,
                                          int64_t before, int64_t outputs, int activation) {
  if (W.ndim() != 3) throw nb::value_error("W must have three axes: (width, F, M)");
  gatecast::Convolution a = {};
  a.lanes = lanes_of(x);
  a.blocks = axis(x, 0);
  a.T = axis(x, 1);
  a.F = axis(x, 2);
  a.width = axis(W, 0);
  a.M = axis(W, 2);
  if (a.blocks < 1 || a.T < 1 || a.F < 1 || a.width < 1 || a.M < 1)
    throw nb::value_error("x and W need at least one of everything");
  if (dilation < 1 || dilation > (int64_t{1} << 20)) throw nb::value_error("the dilation must be 1 or more");
  expect("x", x, {a.blocks, a.T, a.F, a.lanes});
  expect("W", W, {a.width, a.F, a.M});
  check_windows(a.T, (a.width - 1) * dilation + 1, stride, before, outputs);
  a.stride = stride;
  a.dilation = dilation;
  a.before = before;
  a.outputs = outputs;
  a.x = x.data();
  a.W = W.data();
  a.b = checked("b", b, {a.M});
  a.activation = checked_activation(activation);
  return a;
}

Out convolution(In x, In W, In b, int64_t stride, int64_t dilation, int64_t before, int64_t outputs, int activation) {
  gatecast::Convolution a = checked_convolution(x, W, b, stride, dilation, before, outputs, activation);
  Out y = make({a.blocks, a.outputs, a.M, a.lanes});
  a.y = y.data();
  {
    const WithoutLock without_lock;
    gatecast::kernels().convolution(a);
  }
  return y;
}

std::tuple<MaybeOut, Out, Out> convolution_backward(In x, In W, In y, In dy, int64_t stride, int64_t dilation,
                                                    int64_t before, int64_t outputs, int activation, bool need_dx) {
  gatecast::Convolution a = checked_convolution(x, W, std::nullopt, stride, dilation, before, outputs, activation);
  expect("y", y, {a.blocks, a.outputs, a.M, a.lanes});
  expect("dy", dy, {a.blocks, a.outputs, a.M, a.lanes});
  a.y = const_cast<float*>(y.data());
  MaybeOut dx;
  if (need_dx) dx = make({a.blocks, a.T, a.F, a.lanes});
  Out dW = make({a.width, a.F, a.M}), db = make({a.M});
  const gatecast::DenseGrad d = {.dy = dy.data(), .dx = data(dx), .dW = dW.data(), .db = db.data()};
  {
    const WithoutLock without_lock;
    gatecast::kernels().convolution_backward(a, d);
  }
  return {std::move(dx), std::move(dW), std::move(db)};
}

gatecast::Pooling checked_pooling(const In& x, int64_t size, int64_t stride, int64_t before, int64_t outputs,
                                  bool maximum) {
  gatecast::Pooling a = {};
  a.lanes = lanes_of(x);
  a.blocks = axis(x, 0);
  a.T = axis(x, 1);
  a.F = axis(x, 2);
  if (a.blocks < 1 || a.T < 1 || a.F < 1) throw nb::value_error("x needs at least one of everything");
  expect("x", x, {a.blocks, a.T, a.F, a.lanes});
  check_windows(a.T, size, stride, before, outputs);
  a.size = size;
  a.stride = stride;
  a.before = before;
  a.outputs = outputs;
  a.maximum = maximum;
  return a;
}

Out pooling(In x, int64_t size, int64_t stride, int64_t before, int64_t outputs, bool maximum) {
  const gatecast::Pooling a = checked_pooling(x, size, stride, before, outputs, maximum);
  Out y = make({a.blocks, a.outputs, a.F, a.lanes});
  const float* p = x.data();
  float* q = y.data();
  {
    const WithoutLock without_lock;
    gatecast::kernels().pooling(a, p, q);
  }
  return y;
}

Out pooling_backward(In x, In dy, int64_t size, int64_t stride, int64_t before, int64_t outputs, bool maximum) {
  const gatecast::Pooling a = checked_pooling(x, size, stride, before, outputs, maximum);
  expect("dy", dy, {a.blocks, a.outputs, a.F, a.lanes});
  Out dx = make({a.blocks, a.T, a.F, a.lanes});
  const float *p = x.data(), *q = dy.data();
  float* r = dx.data();
  {
    const WithoutLock without_lock;
    gatecast::kernels().pooling_backward(a, p, q, r);
  }
  return dx;
}

Out make_like(const In& x) {
  if (x.ndim() != 4) throw nb::value_error("x must have four axes: block, time, feature, lane");
  expect("x", x, {axis(x, 0), axis(x, 1), axis(x, 2), axis(x, 3)});
  return make({axis(x, 0), axis(x, 1), axis(x, 2), axis(x, 3)});
}

Out activation(In x, int function) {
  const gatecast::Activation f = checked_activation(function);
  Out y = make_like(x);
  const float* p = x.data();
  float* q = y.data();
  const int64_t n = static_cast<int64_t>(x.size());
  {
    const WithoutLock without_lock;
    gatecast::kernels().activation(f, p, q, n);
  }
  return y;
}

Out activation_backward(In x, In dy, int function) {
  const gatecast::Activation f = checked_activation(function);
  Out dx = make_like(x);
  expect("dy", dy, {axis(x, 0), axis(x, 1), axis(x, 2), axis(x, 3)});
  const float *p = x.data(), *q = dy.data();
  float* r = dx.data();
  const int64_t n = static_cast<int64_t>(x.size());
  {
    const WithoutLock without_lock;
    gatecast::kernels().activation_backward(f, p, q, r, n);
  }
  return dx;
}

}  // namespace

void gatecast::bind_convolutions(nb::module_& m) {
  m.def("convolution", &convolution, "x"_a.noconvert(), "W"_a.noconvert(), "b"_a.noconvert(), "stride"_a, "dilation"_a,
        "before"_a, "outputs"_a, "activation"_a);
  m.def("convolution_backward", &convolution_backward, "x"_a.noconvert(), "W"_a.noconvert(), "y"_a.noconvert(),
        "dy"_a.noconvert(), "stride"_a, "dilation"_a, "before"_a, "outputs"_a, "activation"_a, "need_dx"_a);
  m.def("pooling", &pooling, "x"_a.noconvert(), "size"_a, "stride"_a, "before"_a, "outputs"_a, "maximum"_a);
  m.def("pooling_backward", &pooling_backward, "x"_a.noconvert(), "dy"_a.noconvert(), "size"_a, "stride"_a, "before"_a,
        "outputs"_a, "maximum"_a);
  m.def("activation", &activation, "x"_a.noconvert(), "function"_a);
  m.def("activation_backward", &activation_backward, "x"_a.noconvert(), "dy"_a.noconvert(), "function"_a);
}
