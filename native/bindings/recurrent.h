// The record of a recurrent layer from Python.
#pragma once

#include "bindings/arrays.h"

namespace gatecast::bind {

using States = std::vector<MaybeIn>;

struct RecurrentInputs {
  int cell;
  int64_t heads;
  std::vector<int> activations;  // of the candidate and of the gates; empty: those of the cell
  In x, Wx;
  MaybeIn Wh;
  In b;
  MaybeIn P, gain, Wr;
  States state;
  MaybeIn mask, drop;
  States zone;
  std::vector<float> zone_share;
};

// The record of a call, after checking that all arrays agree on its sizes.
inline Recurrent checked_recurrent(const RecurrentInputs& in) {
  if (in.cell < 0 || in.cell >= static_cast<int>(Cell::count)) throw nb::value_error("unknown cell");
  Recurrent a = {};
  a.cell = static_cast<Cell>(in.cell);
  const CellSize& size = a.size();
  a.lanes = lanes_of(in.x);
  if (in.b.ndim() != 1 || in.b.shape(0) % static_cast<size_t>(size.gradients))
    throw nb::value_error("b must have one axis, as long as the cell has gates and units");
  a.blocks = static_cast<int64_t>(in.x.shape(0));
  a.T = static_cast<int64_t>(in.x.shape(1));
  a.I = static_cast<int64_t>(in.x.shape(2));
  a.H = static_cast<int64_t>(in.b.shape(0)) / size.gradients;
  a.heads = in.heads;
  const bool lstm = a.cell == Cell::lstm || a.cell == Cell::lstm_coupled;
  if (in.Wr && (!lstm || in.Wr->ndim() != 2)) throw nb::value_error("Wr belongs to an LSTM and has two axes: (H, R)");
  a.R = in.Wr ? static_cast<int64_t>(in.Wr->shape(1)) : a.H;
  if (a.blocks < 1 || a.T < 1 || a.I < 1 || a.H < 1 || a.R < 1)
    throw nb::value_error("x, b and Wr need at least one of everything");
  if (a.heads < 1 || a.H % a.heads || (a.heads > 1 && a.cell != Cell::slstm))
    throw nb::value_error("heads must divide the units of an sLSTM, and be 1 elsewhere");
  expect("x", in.x, {a.blocks, a.T, a.I, a.lanes});
  expect("Wx", in.Wx, {a.I, a.inputs()});
  if (in.Wh.has_value() != (size.recurrent > 0)) throw nb::value_error("Wh is missing, or the cell has none");
  a.x = in.x.data();
  a.Wx = in.Wx.data();
  a.Wh = checked("Wh", in.Wh, {a.R / a.heads, a.recurrent()});
  expect("b", in.b, {a.gradients()});
  a.b = in.b.data();
  if (in.P) {
    if (a.cell != Cell::lstm) throw nb::value_error("P belongs to an LSTM");
    a.peephole = in.P->ndim() == 1 ? Peephole::diagonal : Peephole::full;
    a.P = in.P->ndim() == 1 ? checked("P", in.P, {3 * a.H}) : checked("P", in.P, {a.H, 3 * a.H});
  }
  if (in.gain && !lstm) throw nb::value_error("gain belongs to an LSTM");
  if (in.gain && a.peephole == Peephole::full) throw nb::value_error("gain and a full peephole exclude each other");
  a.gain = checked("gain", in.gain, {a.gradients()});
  a.Wr = checked("Wr", in.Wr, {a.H, a.R});
  if (!in.state.empty() && in.state.size() != static_cast<size_t>(size.states))
    throw nb::value_error("the state has another number of arrays than the cell has states");
  for (size_t s = 0; s < in.state.size(); ++s)
    a.state0[s] = checked("state", in.state[s], {a.blocks, a.state_rows(static_cast<int>(s)), a.lanes});
  if (!in.activations.empty() && in.activations.size() != 2)
    throw nb::value_error("activations are two: of the candidate and of the gates");
  const bool any = !in.activations.empty();
  a.activation = any ? checked_activation(in.activations[0]) : Activation::tanh;
  a.recurrent_activation = any ? checked_activation(in.activations[1]) : Activation::sigmoid;
  a.mask = checked("mask", in.mask, {a.blocks, a.T, a.lanes});
  if (in.drop && !size.recurrent) throw nb::value_error("drop belongs to a cell with Wh");
  a.drop = checked("drop", in.drop, {a.blocks, a.R, a.lanes});
  const size_t zoned = size.recurrent && a.cell != Cell::slstm ? static_cast<size_t>(size.states) : 0;
  if (in.zone.size() > zoned || in.zone.size() != in.zone_share.size())
    throw nb::value_error("zone has more entries than the cell has states");
  for (size_t s = 0; s < in.zone.size(); ++s) {
    a.zone[s] = checked("zone", in.zone[s], {a.blocks, a.T, a.state_rows(static_cast<int>(s)), a.lanes});
    a.zone_share[s] = in.zone_share[s];
  }
  return a;
}

}  // namespace gatecast::bind
