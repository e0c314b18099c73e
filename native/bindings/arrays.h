// Arrays from and to Python: shape checks and allocation.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <initializer_list>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "include/types.h"
#include "runtime/kernel_calls.h"
#include "runtime/memory_pool.h"

namespace gatecast::bind {

namespace nb = nanobind;

using In = nb::ndarray<const float, nb::c_contig, nb::device::cpu>;
using InOut = nb::ndarray<float, nb::c_contig, nb::device::cpu>;
using Out = nb::ndarray<nb::numpy, float, nb::c_contig>;
using MaybeIn = std::optional<In>;
using MaybeOut = std::optional<Out>;
using Doubles = nb::ndarray<const double, nb::c_contig, nb::device::cpu>;
using Integers = nb::ndarray<const int64_t, nb::c_contig, nb::device::cpu>;
using Flags = nb::ndarray<const bool, nb::c_contig, nb::device::cpu>;
using InOutDoubles = nb::ndarray<double, nb::c_contig, nb::device::cpu>;
using Shape = std::initializer_list<int64_t>;

// The interpreter's lock, given back while a kernel runs. See kernel_calls.h for why this is not gil_scoped_release.
class WithoutLock {
 public:
  WithoutLock() : state_(PyEval_SaveThread()) { begin_kernel(); }
  ~WithoutLock() {
    end_kernel();
    PyEval_RestoreThread(state_);
    left_kernel();
  }
  WithoutLock(const WithoutLock&) = delete;
  WithoutLock& operator=(const WithoutLock&) = delete;

 private:
  PyThreadState* state_;
};

inline std::string text(const int64_t* dims, size_t n) {
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

inline const float* checked(const char* name, const MaybeIn& a, Shape shape) {
  if (!a) return nullptr;
  expect(name, *a, shape);
  return a->data();
}

inline Out make(Shape shape) {
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

inline float* data(MaybeOut& a) {
  return a ? a->data() : nullptr;
}

// L from the last axis of a packed array.
inline int lanes_of(const In& x) {
  if (x.ndim() != 4) throw nb::value_error("x must have four axes: block, time, feature, lane");
  const int64_t L = static_cast<int64_t>(x.shape(3));
  if (L != 1 && L != LANES) throw nb::value_error("x must have 1 or 16 lanes");
  return static_cast<int>(L);
}

inline gatecast::Activation checked_activation(int number) {
  if (number < 0 || number >= static_cast<int>(gatecast::Activation::count))
    throw nb::value_error("unknown activation");
  return static_cast<gatecast::Activation>(number);
}

}  // namespace gatecast::bind

namespace gatecast {

void bind_recurrent(nanobind::module_& m);       // recurrent.cpp
void bind_quantiles(nanobind::module_& m);       // quantile.cpp
void bind_losses(nanobind::module_& m);          // loss.cpp
void bind_convolutions(nanobind::module_& m);    // convolution.cpp
void bind_stack(nanobind::module_& m);           // stack.cpp
void bind_local_trend(nanobind::module_& m);     // local_trend.cpp
void bind_smoothing(nanobind::module_& m);       // smoothing.cpp
void bind_autoregression(nanobind::module_& m);  // autoregression.cpp
void bind_testing(nanobind::module_& m);         // testing.cpp

}  // namespace gatecast
