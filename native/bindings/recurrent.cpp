// The Python bindings of the layers and of Adam. Every shape is checked here, so that no call from Python can read or
// write out of bounds; errors for users are raised one layer above, in recurrent.py. The GIL is released inside every
// kernel.
#include "bindings/recurrent.h"

#include "runtime/cpu_dispatch.h"

namespace {

using namespace gatecast::bind;
using nb::literals::operator""_a;
using Outs = std::vector<Out>;

Outs make_state(const gatecast::Recurrent& a) {
  Outs state;
  for (int s = 0; s < a.size().states; ++s) state.push_back(make({a.blocks, a.state_rows(s), a.lanes}));
  return state;
}

// keep: y and `saved` are wanted, for a backward pass. sequences: y is wanted.
std::tuple<MaybeOut, MaybeOut, Outs> forward(int cell, int64_t heads, std::vector<int> activations, In x, In Wx,
                                             MaybeIn Wh, In b, MaybeIn P, MaybeIn gain, MaybeIn Wr, States state,
                                             MaybeIn mask, MaybeIn drop, States zone, std::vector<float> zone_share,
                                             bool keep, bool sequences) {
  gatecast::Recurrent a = checked_recurrent({.cell = cell,
                                             .heads = heads,
                                             .activations = activations,
                                             .x = x,
                                             .Wx = Wx,
                                             .Wh = Wh,
                                             .b = b,
                                             .P = P,
                                             .gain = gain,
                                             .Wr = Wr,
                                             .state = state,
                                             .mask = mask,
                                             .drop = drop,
                                             .zone = zone,
                                             .zone_share = zone_share});
  MaybeOut y, saved;
  if (keep || sequences) y = make({a.blocks, a.T, a.R, a.lanes});
  if (const int64_t rows = gatecast::SavedRows(a).total / a.lanes; keep && rows)
    saved = make({a.blocks, a.T, rows, a.lanes});
  Outs last = make_state(a);
  a.y = data(y);
  a.saved = data(saved);
  for (size_t s = 0; s < last.size(); ++s) a.stateT[s] = last[s].data();
  {
    const WithoutLock without_lock;
    gatecast::kernels().forward(a);
  }
  return {std::move(y), std::move(saved), std::move(last)};
}

// dx, the gradients of the state (none unless need_state), and those of Wx, Wh, b, P, gain, Wr.
std::tuple<MaybeOut, Outs, std::vector<MaybeOut>> backward(int cell, int64_t heads, std::vector<int> activations, In x,
                                                           In Wx, MaybeIn Wh, In b, MaybeIn P, MaybeIn gain, MaybeIn Wr,
                                                           States state, MaybeIn mask, MaybeIn drop, States zone,
                                                           std::vector<float> zone_share, In y, MaybeIn saved,
                                                           MaybeIn dy, States dstate, bool need_dx, bool need_state) {
  gatecast::Recurrent a = checked_recurrent({.cell = cell,
                                             .heads = heads,
                                             .activations = activations,
                                             .x = x,
                                             .Wx = Wx,
                                             .Wh = Wh,
                                             .b = b,
                                             .P = P,
                                             .gain = gain,
                                             .Wr = Wr,
                                             .state = state,
                                             .mask = mask,
                                             .drop = drop,
                                             .zone = zone,
                                             .zone_share = zone_share});
  expect("y", y, {a.blocks, a.T, a.R, a.lanes});
  a.y = const_cast<float*>(y.data());
  const int64_t rows = gatecast::SavedRows(a).total / a.lanes;
  if (saved.has_value() != (rows > 0)) throw nb::value_error("saved is missing, or the cell saves nothing");
  a.saved = const_cast<float*>(checked("saved", saved, {a.blocks, a.T, rows, a.lanes}));
  gatecast::RecurrentGrad d = {};
  d.dy = checked("dy", dy, {a.blocks, a.T, a.R, a.lanes});
  if (!dstate.empty() && dstate.size() != static_cast<size_t>(a.size().states))
    throw nb::value_error("dstate has another number of arrays than the cell has states");
  for (size_t s = 0; s < dstate.size(); ++s)
    d.dstateT[s] = checked("dstate", dstate[s], {a.blocks, a.state_rows(static_cast<int>(s)), a.lanes});
  MaybeOut dx;
  if (need_dx) dx = make({a.blocks, a.T, a.I, a.lanes});
  d.dx = data(dx);
  Outs first;
  if (need_state) first = make_state(a);
  for (size_t s = 0; s < first.size(); ++s) d.dstate0[s] = first[s].data();
  std::vector<MaybeOut> grads(6);
  grads[0] = make({a.I, a.inputs()});
  if (a.Wh) grads[1] = make({a.R / a.heads, a.recurrent()});
  grads[2] = make({a.gradients()});
  if (a.peephole == gatecast::Peephole::diagonal) grads[3] = make({3 * a.H});
  if (a.peephole == gatecast::Peephole::full) grads[3] = make({a.H, 3 * a.H});
  if (a.gain) grads[4] = make({a.gradients()});
  if (a.Wr) grads[5] = make({a.H, a.R});
  d.dWx = data(grads[0]);
  d.dWh = data(grads[1]);
  d.db = data(grads[2]);
  d.dP = data(grads[3]);
  d.dgain = data(grads[4]);
  d.dWr = data(grads[5]);
  {
    const WithoutLock without_lock;
    gatecast::kernels().backward(a, d);
  }
  return {std::move(dx), std::move(first), std::move(grads)};
}

gatecast::Dense checked_dense(const In& x, const In& W, const MaybeIn& b, int activation) {
  if (W.ndim() != 2) throw nb::value_error("W must have two axes: (K, M)");
  gatecast::Dense a = {};
  a.lanes = lanes_of(x);
  const int64_t blocks = static_cast<int64_t>(x.shape(0)), T = static_cast<int64_t>(x.shape(1));
  a.items = blocks * T;
  a.K = static_cast<int64_t>(W.shape(0));
  a.M = static_cast<int64_t>(W.shape(1));
  if (a.items < 1 || a.K < 1 || a.M < 1) throw nb::value_error("x and W need at least one of everything");
  expect("x", x, {blocks, T, a.K, a.lanes});
  a.x = x.data();
  a.W = W.data();
  a.b = checked("b", b, {a.M});
  a.activation = checked_activation(activation);
  return a;
}

Out dense_forward(In x, In W, In b, int activation) {
  gatecast::Dense a = checked_dense(x, W, b, activation);
  Out y = make({static_cast<int64_t>(x.shape(0)), static_cast<int64_t>(x.shape(1)), a.M, a.lanes});
  a.y = y.data();
  {
    const WithoutLock without_lock;
    gatecast::kernels().dense_forward(a);
  }
  return y;
}

// y, the output, matters where the activation is not linear.
std::tuple<MaybeOut, Out, Out> dense_backward(In x, In W, MaybeIn y, In dy, int activation, bool need_dx) {
  gatecast::Dense a = checked_dense(x, W, std::nullopt, activation);
  const int64_t blocks = static_cast<int64_t>(x.shape(0)), T = static_cast<int64_t>(x.shape(1));
  expect("dy", dy, {blocks, T, a.M, a.lanes});
  if (a.activation != gatecast::Activation::linear && !y) throw nb::value_error("y is missing");
  a.y = const_cast<float*>(checked("y", y, {blocks, T, a.M, a.lanes}));
  MaybeOut dx;
  if (need_dx) dx = make({blocks, T, a.K, a.lanes});
  Out dW = make({a.K, a.M}), db = make({a.M});
  const gatecast::DenseGrad d = {.dy = dy.data(), .dx = data(dx), .dW = dW.data(), .db = db.data()};
  {
    const WithoutLock without_lock;
    gatecast::kernels().dense_backward(a, d);
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
    const WithoutLock without_lock;
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
  const WithoutLock without_lock;
  gatecast::kernels().adam(m.data(), v.data(), g.data(), n,
                           {.beta1 = f(beta1),
                            .one_minus_beta1 = f(1 - beta1),
                            .beta2 = f(beta2),
                            .one_minus_beta2 = f(1 - beta2),
                            .eps = f(eps),
                            .debias1 = f(debias1),
                            .debias2 = f(debias2)});
}

}  // namespace

void gatecast::bind_recurrent(nb::module_& m) {
  m.def("forward", &forward, "cell"_a, "heads"_a, "activations"_a, "x"_a.noconvert(), "Wx"_a.noconvert(),
        "Wh"_a.noconvert().none(), "b"_a.noconvert(), "P"_a.noconvert().none(), "gain"_a.noconvert().none(),
        "Wr"_a.noconvert().none(), "state"_a.noconvert(), "mask"_a.noconvert().none(), "drop"_a.noconvert().none(),
        "zone"_a.noconvert(), "zone_share"_a, "keep"_a, "sequences"_a);
  m.def("backward", &backward, "cell"_a, "heads"_a, "activations"_a, "x"_a.noconvert(), "Wx"_a.noconvert(),
        "Wh"_a.noconvert().none(), "b"_a.noconvert(), "P"_a.noconvert().none(), "gain"_a.noconvert().none(),
        "Wr"_a.noconvert().none(), "state"_a.noconvert(), "mask"_a.noconvert().none(), "drop"_a.noconvert().none(),
        "zone"_a.noconvert(), "zone_share"_a, "y"_a.noconvert(), "saved"_a.noconvert().none(),
        "dy"_a.noconvert().none(), "dstate"_a.noconvert(), "need_dx"_a, "need_state"_a);
  m.def("dense_forward", &dense_forward, "x"_a.noconvert(), "W"_a.noconvert(), "b"_a.noconvert(), "activation"_a);
  m.def("dense_backward", &dense_backward, "x"_a.noconvert(), "W"_a.noconvert(), "y"_a.noconvert().none(),
        "dy"_a.noconvert(), "activation"_a, "need_dx"_a);
  m.def("dropout", &dropout, "x"_a.noconvert(), "rate"_a, "key"_a);
  m.def("adam", &adam, "m"_a.noconvert(), "v"_a.noconvert(), "g"_a.noconvert(), "beta1"_a, "beta2"_a, "eps"_a,
        "debias1"_a, "debias2"_a);
}
