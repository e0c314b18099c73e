// Sums that many threads make and that are added in one order: the same bits for any number of threads, in the memory
// of a few sets of sums instead of one for each.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <vector>

namespace gatecast {

// Groups are given out in order, each with one of `slots` sets of sums, and added in order: a set that is done before
// its turn waits as it is, its thread goes on with the next group in another set, and waits only where none is left.
// The lowest group that is not added is always in a hand or being added, so no thread waits for ever.
// Not inline: see the linkage rule in kernels/simd-inl.h.
class Turns {
 public:
  explicit Turns(int slots);
  ~Turns();
  Turns(const Turns&) = delete;
  Turns& operator=(const Turns&) = delete;

  struct Hand {
    int64_t group;
    int slot;
  };
  Hand take();

  // A hand's sums are whole. Then, whoever gave them asks for what may be added: a slot, or -1 if it is nobody's turn
  // or another thread is adding; and says when it is added. `first` is true for the first group alone.
  void give(Hand hand);
  int turn(bool* first);
  void added(int slot);

 private:
  std::mutex mutex_;
  std::condition_variable freed_;
  std::vector<int> free_;
  std::vector<Hand> waiting_;
  int64_t given_ = 0, added_ = 0;
  bool adding_ = false;
};

}  // namespace gatecast
