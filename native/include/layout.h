// Offsets as a type. A layout hands out spans of a buffer one after the other, so that a struct of spans is a list of
// sizes, its total follows, and no offset is computed by hand.
#pragma once

#include <cassert>
#include <cstdint>

// Everything in include/ is used by all instruction-set levels: always inlined, see kernels/simd-inl.h.
#define GATECAST_INLINE __attribute__((always_inline)) inline

namespace gatecast {

// Where something lies in a buffer, in floats.
struct Span {
  int64_t offset = 0, size = 0;
  GATECAST_INLINE bool empty() const { return size == 0; }
  template <typename Float>
  GATECAST_INLINE Float* in(Float* buffer) const {
    return buffer + offset;
  }
};

class Layout {
 public:
  GATECAST_INLINE Span add(int64_t size) {
    const Span span = {.offset = total_, .size = size};
    total_ += size;
    return span;
  }
  GATECAST_INLINE int64_t total() const { return total_; }

 private:
  int64_t total_ = 0;
};

// A buffer that was allocated for a layout; debug builds check that the layout fits.
struct Region {
  float* begin;
  int64_t size;
  GATECAST_INLINE float* operator[](Span span) const {
    assert(span.offset >= 0 && span.offset + span.size <= size);
    return begin + span.offset;
  }
  // The i-th of several regions of `part` floats in this span.
  GATECAST_INLINE Region part(Span span, int64_t i, int64_t part_size) const {
    assert((i + 1) * part_size <= span.size);
    return {.begin = (*this)[span] + i * part_size, .size = part_size};
  }
};

}  // namespace gatecast
