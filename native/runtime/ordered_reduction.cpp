// See ordered_reduction.h.
#include "runtime/ordered_reduction.h"

namespace gatecast {

Turns::Turns(int slots) {
  free_.reserve(static_cast<size_t>(slots));  // nothing throws later on
  waiting_.reserve(static_cast<size_t>(slots));
  for (int slot = slots - 1; slot >= 0; --slot) free_.push_back(slot);
}

Turns::~Turns() = default;

Turns::Hand Turns::take() {
  std::unique_lock lock(mutex_);
  freed_.wait(lock, [this] { return !free_.empty(); });
  const Hand hand = {given_++, free_.back()};
  free_.pop_back();
  return hand;
}

void Turns::give(Hand hand) {
  const std::lock_guard lock(mutex_);
  waiting_.push_back(hand);
}

int Turns::turn(bool* first) {
  const std::lock_guard lock(mutex_);
  if (adding_) return -1;
  for (Hand& hand : waiting_)
    if (hand.group == added_) {
      const int slot = hand.slot;
      hand = waiting_.back();
      waiting_.pop_back();
      adding_ = true;
      *first = added_ == 0;
      return slot;
    }
  return -1;
}

void Turns::added(int slot) {
  {
    const std::lock_guard lock(mutex_);
    adding_ = false;
    ++added_;
    free_.push_back(slot);
  }
  freed_.notify_one();
}

}  // namespace gatecast
