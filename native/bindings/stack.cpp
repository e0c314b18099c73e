// The Python binding of training steps in block order (kernels/block_order-inl.h).
#include "bindings/loss.h"
#include "bindings/recurrent.h"
#include "runtime/cpu_dispatch.h"

namespace {

using namespace gatecast::bind;
using nb::literals::operator""_a;
using MaybeInOut = std::optional<InOut>;

float* checked_out(const char* name, const MaybeInOut& a, Shape shape) {
  if (!a) return nullptr;
  expect(name, *a, shape);
  return a->data();
}

float checked_rate(double rate) {
  if (!(rate >= 0 && rate < 1)) throw nb::value_error("rate must lie in [0, 1)");
  return static_cast<float>(rate);
}

// Layers that are trained together. It holds the arrays of the weights and of their gradients.
class TrainingStack {
 public:
  explicit TrainingStack(int64_t rows, bool has_time) : rows_(rows), rows_in_(rows), has_time_(has_time) {
    if (rows < 1) throw nb::value_error("a stack needs inputs");
  }

  void add_recurrent(int cell, int64_t heads, std::vector<int> activations, In Wx, MaybeIn Wh, In b, MaybeIn P,
                     MaybeIn gain, MaybeIn Wr, std::vector<MaybeInOut> gradients, bool sequences, bool residual,
                     double dropout_h, int64_t dilation) {
    if (!has_time_) throw nb::value_error("a recurrent layer needs a time axis");
    if (gradients.size() != 6) throw nb::value_error("gradients must be those of Wx, Wh, b, P, gain, Wr");
    Out x = make({1, 1, rows_, gatecast::LANES});  // for the checks
    gatecast::Recurrent a = checked_recurrent({.cell = cell,
                                               .heads = heads,
                                               .activations = activations,
                                               .x = In(x),
                                               .Wx = Wx,
                                               .Wh = Wh,
                                               .b = b,
                                               .P = P,
                                               .gain = gain,
                                               .Wr = Wr,
                                               .state = {},
                                               .mask = {},
                                               .drop = {},
                                               .zone = {},
                                               .zone_share = {}});
    a.x = nullptr;
    gatecast::RecurrentGrad d = {};
    const bool full = a.peephole == gatecast::Peephole::full;
    d.dWx = checked_out("dWx", gradients[0], {a.I, a.inputs()});
    d.dWh = checked_out("dWh", gradients[1], {a.R / a.heads, a.recurrent()});
    d.db = checked_out("db", gradients[2], {a.gradients()});
    d.dP = full ? checked_out("dP", gradients[3], {a.H, 3 * a.H}) : checked_out("dP", gradients[3], {3 * a.H});
    d.dgain = checked_out("dgain", gradients[4], {a.gradients()});
    d.dWr = checked_out("dWr", gradients[5], {a.H, a.R});
    const MaybeIn weights[] = {Wx, Wh, b, P, gain, Wr};
    for (size_t i = 0; i < 6; ++i) {
      if (weights[i].has_value() != gradients[i].has_value())
        throw nb::value_error("every weight needs a gradient, and no gradient lacks its weight");
      keep(weights[i], gradients[i]);
    }
    gatecast::StackLayer layer = {};
    layer.kind = gatecast::StackKind::recurrent;
    layer.recurrent = a;
    layer.recurrent_grad = d;
    layer.sequences = sequences;
    layer.dilation = dilation;
    if (dilation < 1 || (dilation > 1 && (!sequences || dropout_h > 0)))
      throw nb::value_error("a dilated layer returns sequences and has no dropout");
    layer.rate = checked_rate(dropout_h);
    if (layer.rate > 0 && !a.Wh) throw nb::value_error("dropout of h belongs to a cell with Wh");
    add(layer, a.R, residual);
    has_time_ = sequences;
  }

  void add_dense(In W, In b, InOut dW, InOut db, int activation, bool residual) {
    if (W.ndim() != 2) throw nb::value_error("W must have two axes: (K, M)");
    const int64_t M = static_cast<int64_t>(W.shape(1));
    if (M < 1) throw nb::value_error("W needs at least one of everything");
    expect("W", W, {rows_, M});
    expect("b", b, {M});
    expect("dW", dW, {rows_, M});
    expect("db", db, {M});
    keep(W, dW);
    keep(b, db);
    gatecast::StackLayer layer = {};
    layer.kind = gatecast::StackKind::dense;
    layer.dense = {.lanes = gatecast::LANES,
                   .items = 0,
                   .K = rows_,
                   .M = M,
                   .x = nullptr,
                   .W = W.data(),
                   .b = b.data(),
                   .activation = checked_activation(activation),
                   .y = nullptr};
    layer.dense_grad = {.dy = nullptr, .dx = nullptr, .dW = dW.data(), .db = db.data()};
    add(layer, M, residual);
  }

  void add_dropout(double rate, bool all_steps) {
    gatecast::StackLayer layer = {};
    layer.kind = gatecast::StackKind::dropout;
    layer.rate = checked_rate(rate);
    layer.all_steps = all_steps;
    add(layer, rows_, false);
  }

  void add_quantiles(int64_t count) {
    if (count < 1 || rows_ % count) throw nb::value_error("the features must be a multiple of the number of quantiles");
    gatecast::StackLayer layer = {};
    layer.kind = gatecast::StackKind::quantiles;
    layer.Q = count;
    add(layer, rows_, false);
  }

  // The sum of the losses. The gradients of the weights are written, `scale` times as large; dx and dy if given.
  double step(In x, MaybeIn mask, int loss, std::vector<float> parameters, In target, In weight, double scale,
              std::vector<uint64_t> keys, MaybeInOut dx, MaybeInOut dy) const {
    if (layers_.empty()) throw nb::value_error("the stack has no layers");
    if (keys.size() != layers_.size()) throw nb::value_error("every layer needs a key");
    if (lanes_of(x) != gatecast::LANES) throw nb::value_error("x must have 16 lanes");
    const int64_t blocks = static_cast<int64_t>(x.shape(0)), T = static_cast<int64_t>(x.shape(1));
    expect("x", x, {blocks, T, rows_in_, gatecast::LANES});
    const int64_t steps = has_time_ ? T : 1;
    std::vector<gatecast::StackLayer> layers = layers_;
    for (size_t k = 0; k < keys.size(); ++k) layers[k].key = keys[k];
    gatecast::Stack s = {};
    s.layers = layers.data();
    s.count = static_cast<int>(layers.size());
    s.blocks = blocks;
    s.T = T;
    s.x = x.data();
    s.mask = checked("mask", mask, {blocks, T, gatecast::LANES});
    s.loss = checked_loss(loss, parameters, rows_, {blocks, steps, gatecast::LANES}, target, weight);
    s.loss.scale = static_cast<float>(scale);
    s.dx = checked_out("dx", dx, {blocks, T, rows_in_, gatecast::LANES});
    s.dy = checked_out("dy", dy, {blocks, steps, rows_, gatecast::LANES});
    const WithoutLock without_lock;
    return gatecast::kernels().train_stack(s);
  }

 private:
  void keep(const MaybeIn& weight, const MaybeInOut& gradient) {
    if (weight) weights_.push_back(*weight);
    if (gradient) gradients_.push_back(*gradient);
  }

  void add(gatecast::StackLayer layer, int64_t rows_out, bool residual) {
    if (layers_.size() == gatecast::MAX_STACK_LAYERS) throw nb::value_error("too many layers for a stack");
    layer.rows_in = rows_;
    layer.rows_out = rows_out;
    layer.residual = residual;
    layer.dilation = layer.kind == gatecast::StackKind::recurrent ? layer.dilation : 1;
    layer.sequences = layer.kind != gatecast::StackKind::recurrent || layer.sequences;
    if (residual && (rows_out != rows_ || !layer.sequences))
      throw nb::value_error("a residual layer must keep the shape of its input");
    layers_.push_back(layer);
    rows_ = rows_out;
  }

  int64_t rows_, rows_in_;
  bool has_time_;
  std::vector<gatecast::StackLayer> layers_;
  std::vector<In> weights_;
  std::vector<InOut> gradients_;
};

}  // namespace

void gatecast::bind_stack(nanobind::module_& m) {
  nb::class_<TrainingStack>(m, "TrainingStack")
      .def(nb::init<int64_t, bool>(), "rows"_a, "has_time"_a)
      .def("add_recurrent", &TrainingStack::add_recurrent, "cell"_a, "heads"_a, "activations"_a, "Wx"_a.noconvert(),
           "Wh"_a.noconvert().none(), "b"_a.noconvert(), "P"_a.noconvert().none(), "gain"_a.noconvert().none(),
           "Wr"_a.noconvert().none(), "gradients"_a.noconvert(), "sequences"_a, "residual"_a, "dropout_h"_a,
           "dilation"_a)
      .def("add_dense", &TrainingStack::add_dense, "W"_a.noconvert(), "b"_a.noconvert(), "dW"_a.noconvert(),
           "db"_a.noconvert(), "activation"_a, "residual"_a)
      .def("add_dropout", &TrainingStack::add_dropout, "rate"_a, "all_steps"_a)
      .def("add_quantiles", &TrainingStack::add_quantiles, "count"_a)
      .def("step", &TrainingStack::step, "x"_a.noconvert(), "mask"_a.noconvert().none(), "loss"_a, "parameters"_a,
           "target"_a.noconvert(), "weight"_a.noconvert(), "scale"_a, "keys"_a, "dx"_a.noconvert().none(),
           "dy"_a.noconvert().none());
}
