// Partial sums made by many threads and added in a fixed order: the result has the same bits for any number of
// threads, with a few buffers of sums instead of one per group.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <vector>

namespace gatecast {

// Groups are handed out in order, each with one of `n_buffers` buffers, and added in order. A group that finishes
// early stays in its buffer; its thread goes on with the next group in another buffer and blocks only when none is
// free. It cannot deadlock: the lowest group that is not added yet is always being computed or being added.
// Not inline: see the linkage rule in kernels/simd-inl.h.
class OrderedReduction {
 public:
  explicit OrderedReduction(int n_buffers);
  ~OrderedReduction();
  OrderedReduction(const OrderedReduction&) = delete;
  OrderedReduction& operator=(const OrderedReduction&) = delete;

  struct Partial {
    int64_t group;
    int buffer;
  };
  // The next group and a free buffer for its sums.
  Partial acquire();
  // Its sums are complete. The same thread then loops over next() and finish().
  void submit(Partial partial);
  // The buffer to add now, or -1 when the next group in order is not complete or another thread is adding.
  // `first` is set for the first group only, whose sums are copied instead of added.
  int next(bool* first);
  // The buffer has been added and is free again.
  void finish(int buffer);

 private:
  std::mutex mutex_;
  std::condition_variable buffer_freed_;
  std::vector<int> free_buffers_;
  std::vector<Partial> complete_;
  int64_t next_group_ = 0, next_to_add_ = 0;
  bool adding_ = false;
};

}  // namespace gatecast
