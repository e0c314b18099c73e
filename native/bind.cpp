// The Python face of the kernels. Every shape is checked here, so that no call from Python can reach memory that is
// not its own; what a user reads is said a layer above, in recurrent.py. The GIL is released inside every kernel.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <initializer_list>
#include <optional>
#include <stdexcept>
#include <string>

#include "dispatch.h"
#include "memory.h"
#include "parallel.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace {

using gatecast::LANES;
using In = nb::ndarray<const float, nb::c_contig, nb::device::cpu>;
using InOut = nb::ndarray<float, nb::c_contig, nb::device::cpu>;
using Out = nb::ndarray<nb::numpy, float, nb::c_contig>;
using MaybeIn = std::optional<In>;
using MaybeOut = std::optional<Out>;
using Shape = std::initializer_list<int64_t>;

std::string text(const int64_t* dims, size_t n) {
  std::string s = "(";
  for (size_t i = 0; i < n; ++i) s += (i ? ", " : "") + std::to_string(dims[i]);
  return s + ")";
}

template <typename Array>
void expect(const char* name, const Array& a, Shape shape) {
  bool same = a.ndim() == shape.size();
  if (reinterpret_cast<uintptr_t>(a.data()) % alignof(float) != 0)
    throw nb::value_error((std::string(name) + " does not lie on a multiple of four bytes: copy it first").c_str());
  for (size_t i = 0; same && i < shape.size(); ++i) same = static_cast<int64_t>(a.shape(i)) == shape.begin()[i];
  if (same) return;
  std::vector<int64_t> got;
  for (size_t i = 0; i < a.ndim(); ++i) got.push_back(static_cast<int64_t>(a.shape(i)));
  throw nb::value_error((std::string(name) + " has shape " + text(got.data(), got.size()) + ", expected " +
                         text(shape.begin(), shape.size()))
                            .c_str());
}

const float* checked(const char* name, const MaybeIn& a, Shape shape) {
  if (!a) return nullptr;
  expect(name, *a, shape);
  return a->data();
}

Out make(Shape shape) {
  size_t count = 1;
  std::vector<size_t> dims;
  for (const int64_t n : shape) {
    if (n < 0 || (n && count > (size_t{1} << 56) / static_cast<size_t>(n))) throw std::bad_alloc();
    count *= static_cast<size_t>(n);
    dims.push_back(static_cast<size_t>(n));
  }
  float* p = gatecast::acquire(count);
  nb::capsule owner(p, [](void* q) noexcept { gatecast::release(static_cast<float*>(q)); });
  return Out(p, dims.size(), dims.data(), owner);
}

float* data(MaybeOut& a) {
  return a ? a->data() : nullptr;
}

struct LstmInputs {
  In x, Wx, Wh, b;
  MaybeIn P, h0, c0, mask;
};

gatecast::Lstm checked_lstm(const LstmInputs& in) {
  if (in.x.ndim() != 4) throw nb::value_error("x must have four axes: block, time, feature, lane");
  if (in.Wh.ndim() != 2) throw nb::value_error("Wh must have two axes: (H, 4H)");
  gatecast::Lstm a = {};
  a.blocks = static_cast<int64_t>(in.x.shape(0));
  a.T = static_cast<int64_t>(in.x.shape(1));
  a.I = static_cast<int64_t>(in.x.shape(2));
  a.H = static_cast<int64_t>(in.Wh.shape(0));
  if (a.blocks < 1 || a.T < 1 || a.I < 1 || a.H < 1) throw nb::value_error("x and Wh need at least one of everything");
  expect("x", in.x, {a.blocks, a.T, a.I, LANES});
  expect("Wx", in.Wx, {a.I, 4 * a.H});
  expect("Wh", in.Wh, {a.H, 4 * a.H});
  expect("b", in.b, {4 * a.H});
  a.x = in.x.data();
  a.Wx = in.Wx.data();
  a.Wh = in.Wh.data();
  a.b = in.b.data();
  if (in.P) {
    a.peephole = in.P->ndim() == 1 ? gatecast::Peephole::diagonal : gatecast::Peephole::full;
    a.P = in.P->ndim() == 1 ? checked("P", in.P, {3 * a.H}) : checked("P", in.P, {a.H, 3 * a.H});
  }
  a.h0 = checked("h0", in.h0, {a.blocks, a.H, LANES});
  a.c0 = checked("c0", in.c0, {a.blocks, a.H, LANES});
  a.mask = checked("mask", in.mask, {a.blocks, a.T, LANES});
  return a;
}

// keep: what a backward pass needs (y, c, gates). sequences: y, the state of every step.
std::tuple<MaybeOut, MaybeOut, MaybeOut, Out, Out> lstm_forward(In x, In Wx, In Wh, In b, MaybeIn P, MaybeIn h0,
                                                                MaybeIn c0, MaybeIn mask, bool keep, bool sequences) {
  gatecast::Lstm a = checked_lstm({x, Wx, Wh, b, P, h0, c0, mask});
  MaybeOut y, c, gates;
  if (keep || sequences) y = make({a.blocks, a.T, a.H, LANES});
  if (keep) {
    c = make({a.blocks, a.T, a.H, LANES});
    gates = make({a.blocks, a.T, 4 * a.H, LANES});
  }
  Out hT = make({a.blocks, a.H, LANES}), cT = make({a.blocks, a.H, LANES});
  a.y = data(y);
  a.c = data(c);
  a.gates = data(gates);
  a.hT = hT.data();
  a.cT = cT.data();
  {
    nb::gil_scoped_release release;
    gatecast::kernels().lstm_forward(a);
  }
  return {std::move(y), std::move(c), std::move(gates), std::move(hT), std::move(cT)};
}

// `gates` is overwritten by dz.
std::tuple<MaybeOut, MaybeOut, MaybeOut, Out, Out, Out, MaybeOut> lstm_backward(In x, In Wx, In Wh, In b, MaybeIn P,
                                                                                MaybeIn h0, MaybeIn c0, MaybeIn mask,
                                                                                In y, In c, InOut gates, MaybeIn dy,
                                                                                MaybeIn dhT, MaybeIn dcT, bool need_dx,
                                                                                bool need_state) {
  gatecast::Lstm a = checked_lstm({x, Wx, Wh, b, P, h0, c0, mask});
  expect("y", y, {a.blocks, a.T, a.H, LANES});
  expect("c", c, {a.blocks, a.T, a.H, LANES});
  expect("gates", gates, {a.blocks, a.T, 4 * a.H, LANES});
  a.y = const_cast<float*>(y.data());
  a.c = const_cast<float*>(c.data());
  a.gates = gates.data();
  gatecast::LstmGrad d = {};
  d.dy = checked("dy", dy, {a.blocks, a.T, a.H, LANES});
  d.dhT = checked("dhT", dhT, {a.blocks, a.H, LANES});
  d.dcT = checked("dcT", dcT, {a.blocks, a.H, LANES});
  MaybeOut dx, dh0, dc0, dP;
  if (need_dx) dx = make({a.blocks, a.T, a.I, LANES});
  if (need_state) {
    dh0 = make({a.blocks, a.H, LANES});
    dc0 = make({a.blocks, a.H, LANES});
  }
  Out dWx = make({a.I, 4 * a.H}), dWh = make({a.H, 4 * a.H}), db = make({4 * a.H});
  if (a.peephole == gatecast::Peephole::diagonal) dP = make({3 * a.H});
  if (a.peephole == gatecast::Peephole::full) dP = make({a.H, 3 * a.H});
  d.dx = data(dx);
  d.dh0 = data(dh0);
  d.dc0 = data(dc0);
  d.dWx = dWx.data();
  d.dWh = dWh.data();
  d.db = db.data();
  d.dP = data(dP);
  {
    nb::gil_scoped_release release;
    gatecast::kernels().lstm_backward(a, d);
  }
  return {std::move(dx), std::move(dh0), std::move(dc0), std::move(dWx), std::move(dWh), std::move(db), std::move(dP)};
}

gatecast::Dense checked_dense(const In& x, const In& W, const MaybeIn& b) {
  if (x.ndim() != 4) throw nb::value_error("x must have four axes: block, time, feature, lane");
  if (W.ndim() != 2) throw nb::value_error("W must have two axes: (K, M)");
  gatecast::Dense a = {};
  const int64_t blocks = static_cast<int64_t>(x.shape(0)), T = static_cast<int64_t>(x.shape(1));
  a.items = blocks * T;
  a.K = static_cast<int64_t>(W.shape(0));
  a.M = static_cast<int64_t>(W.shape(1));
  if (a.items < 1 || a.K < 1 || a.M < 1) throw nb::value_error("x and W need at least one of everything");
  expect("x", x, {blocks, T, a.K, LANES});
  a.x = x.data();
  a.W = W.data();
  a.b = checked("b", b, {a.M});
  return a;
}

Out dense_forward(In x, In W, In b) {
  const gatecast::Dense a = checked_dense(x, W, b);
  Out y = make({static_cast<int64_t>(x.shape(0)), static_cast<int64_t>(x.shape(1)), a.M, LANES});
  float* p = y.data();
  {
    nb::gil_scoped_release release;
    gatecast::kernels().dense_forward(a, p);
  }
  return y;
}

std::tuple<MaybeOut, Out, Out> dense_backward(In x, In W, In dy, bool need_dx) {
  const gatecast::Dense a = checked_dense(x, W, std::nullopt);
  const int64_t blocks = static_cast<int64_t>(x.shape(0)), T = static_cast<int64_t>(x.shape(1));
  expect("dy", dy, {blocks, T, a.M, LANES});
  MaybeOut dx;
  if (need_dx) dx = make({blocks, T, a.K, LANES});
  Out dW = make({a.K, a.M}), db = make({a.M});
  const float* p = dy.data();
  float *q = data(dx), *r = dW.data(), *s = db.data();
  {
    nb::gil_scoped_release release;
    gatecast::kernels().dense_backward(a, p, q, r, s);
  }
  return {std::move(dx), std::move(dW), std::move(db)};
}

Out dropout(In x, double rate, uint64_t key) {
  if (!(rate >= 0 && rate < 1)) throw nb::value_error("rate must lie in [0, 1)");
  if (x.ndim() != 4) throw nb::value_error("x must have four axes: block, time, feature, lane");
  Out y = make({static_cast<int64_t>(x.shape(0)), static_cast<int64_t>(x.shape(1)), static_cast<int64_t>(x.shape(2)),
                static_cast<int64_t>(x.shape(3))});
  const float* p = x.data();
  float* q = y.data();
  const int64_t n = static_cast<int64_t>(x.size());
  {
    nb::gil_scoped_release release;
    gatecast::kernels().dropout(p, q, n, static_cast<float>(rate), key);
  }
  return y;
}

void adam(InOut m, InOut v, InOut g, double beta1, double beta2, double eps, double debias1, double debias2) {
  if (m.ndim() != 1) throw nb::value_error("m must have one axis");
  const int64_t n = static_cast<int64_t>(m.shape(0));
  expect("v", v, {n});
  expect("g", g, {n});
  const auto f = [](double value) { return static_cast<float>(value); };
  nb::gil_scoped_release release;
  gatecast::kernels().adam(m.data(), v.data(), g.data(), n,
                           {f(beta1), f(1 - beta1), f(beta2), f(1 - beta2), f(eps), f(debias1), f(debias2)});
}

Out apply(int function, In x) {
  if (x.ndim() != 1 || function < 0 || function > 2) throw nb::value_error("apply takes 0, 1 or 2 and one axis");
  Out y = make({static_cast<int64_t>(x.shape(0))});
  gatecast::kernels().apply(function, x.data(), y.data(), static_cast<int64_t>(x.shape(0)));
  return y;
}

void set_threads(int n) {
  if (n < 1 || n > 256) throw nb::value_error("threads must lie in 1..256");
  nb::gil_scoped_release release;
  gatecast::set_threads(n);
}

}  // namespace

NB_MODULE(_native, m) {
  nb::set_leak_warnings(false);  // module-level caches of arrays at exit are no leaks
  const std::vector<std::string> levels = gatecast::levels();
  if (levels.empty()) throw nb::import_error("gatecast needs a processor with SSE4.2 and POPCNT (x86-64-v2)");
  gatecast::use_level(levels.back());
  m.attr("LANES") = LANES;
  m.def("levels", &gatecast::levels);
  m.def("level", [] { return std::string(gatecast::kernels().name); });
  m.def("use_level", &gatecast::use_level, "name"_a);
  m.def("threads", &gatecast::threads);
  m.def("set_threads", &set_threads, "n"_a);
  m.def("trim", &gatecast::trim);
  m.def("lstm_forward", &lstm_forward, "x"_a.noconvert(), "Wx"_a.noconvert(), "Wh"_a.noconvert(), "b"_a.noconvert(),
        "P"_a.noconvert().none(), "h0"_a.noconvert().none(), "c0"_a.noconvert().none(), "mask"_a.noconvert().none(),
        "keep"_a, "sequences"_a);
  m.def("lstm_backward", &lstm_backward, "x"_a.noconvert(), "Wx"_a.noconvert(), "Wh"_a.noconvert(), "b"_a.noconvert(),
        "P"_a.noconvert().none(), "h0"_a.noconvert().none(), "c0"_a.noconvert().none(), "mask"_a.noconvert().none(),
        "y"_a.noconvert(), "c"_a.noconvert(), "gates"_a.noconvert(), "dy"_a.noconvert().none(),
        "dhT"_a.noconvert().none(), "dcT"_a.noconvert().none(), "need_dx"_a, "need_state"_a);
  m.def("dense_forward", &dense_forward, "x"_a.noconvert(), "W"_a.noconvert(), "b"_a.noconvert());
  m.def("dense_backward", &dense_backward, "x"_a.noconvert(), "W"_a.noconvert(), "dy"_a.noconvert(), "need_dx"_a);
  m.def("dropout", &dropout, "x"_a.noconvert(), "rate"_a, "key"_a);
  m.def("adam", &adam, "m"_a.noconvert(), "v"_a.noconvert(), "g"_a.noconvert(), "beta1"_a, "beta2"_a, "eps"_a,
        "debias1"_a, "debias2"_a);
  m.def("apply", &apply, "function"_a, "x"_a.noconvert());
}
