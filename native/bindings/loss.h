// The record of a loss from Python.
#pragma once

#include "bindings/arrays.h"

namespace gatecast::bind {

// Of M outputs; shape: blocks, T and lanes of targets and weights. `parameters` must outlive the record.
inline Loss checked_loss(int kind, const std::vector<float>& parameters, int64_t M, const std::vector<int64_t>& shape,
                         const In& target, const In& weight) {
  if (kind < 0 || kind > static_cast<int>(LossKind::pinball)) throw nb::value_error("unknown loss");
  Loss a = {};
  a.kind = static_cast<LossKind>(kind);
  if (a.kind == LossKind::huber && parameters.size() != 1) throw nb::value_error("huber takes one number, delta");
  if (a.kind == LossKind::pinball && parameters.empty()) throw nb::value_error("pinball takes levels");
  a.Q = a.kind == LossKind::pinball ? static_cast<int64_t>(parameters.size()) : 1;
  if (M < 1 || M % a.Q || shape[0] < 1 || shape[1] < 1)
    throw nb::value_error("the outputs must be a multiple of the number of quantiles, and none of the axes empty");
  a.K = M / a.Q;
  a.lanes = static_cast<int>(shape[2]);
  a.items = shape[0] * shape[1];
  expect("target", target, {shape[0], shape[1], a.K, shape[2]});
  a.weights = weight.ndim() == 4 && weight.shape(2) == 1 ? 1 : a.K;
  expect("weight", weight, {shape[0], shape[1], a.weights, shape[2]});
  a.target = target.data();
  a.weight = weight.data();
  a.parameters = parameters.data();
  return a;
}

}  // namespace gatecast::bind
