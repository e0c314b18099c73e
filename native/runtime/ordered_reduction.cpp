// See ordered_reduction.h.
#include "runtime/ordered_reduction.h"

namespace gatecast {

OrderedReduction::OrderedReduction(int n_buffers) {
  free_buffers_.reserve(static_cast<size_t>(n_buffers));  // so that nothing throws later on
  complete_.reserve(static_cast<size_t>(n_buffers));
  for (int buffer = n_buffers - 1; buffer >= 0; --buffer) free_buffers_.push_back(buffer);
}

OrderedReduction::~OrderedReduction() = default;

OrderedReduction::Partial OrderedReduction::acquire() {
  std::unique_lock lock(mutex_);
  buffer_freed_.wait(lock, [this] { return !free_buffers_.empty(); });
  const Partial partial = {.group = next_group_++, .buffer = free_buffers_.back()};
  free_buffers_.pop_back();
  return partial;
}

void OrderedReduction::submit(Partial partial) {
  const std::lock_guard lock(mutex_);
  complete_.push_back(partial);
}

int OrderedReduction::next(bool* first) {
  const std::lock_guard lock(mutex_);
  if (adding_) return -1;
  for (Partial& partial : complete_)
    if (partial.group == next_to_add_) {
      const int buffer = partial.buffer;
      partial = complete_.back();
      complete_.pop_back();
      adding_ = true;
      *first = next_to_add_ == 0;
      return buffer;
    }
  return -1;
}

void OrderedReduction::finish(int buffer) {
  {
    const std::lock_guard lock(mutex_);
    adding_ = false;
    ++next_to_add_;
    free_buffers_.push_back(buffer);
  }
  buffer_freed_.notify_one();
}

}  // namespace gatecast
