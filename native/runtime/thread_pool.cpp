// See thread_pool.h.
#include "runtime/thread_pool.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "runtime/platform.h"

namespace gatecast {
namespace {

using platform::pause;

thread_local bool in_parallel_region = false;  // this thread is running a body: nested loops run serially

// A running loop: threads take indices until none is left.
struct Job {
  int64_t count;
  int workers;
  void (*body)(void*, int64_t, int);
  void* context;
  std::atomic<int64_t> next{0};

  void work(int worker) {
    if (worker >= workers) return;
    const bool outer = in_parallel_region;
    in_parallel_region = true;
    for (int64_t i; (i = next.fetch_add(1, std::memory_order_relaxed)) < count;) body(context, i, worker);
    in_parallel_region = outer;
  }
};

using Clock = std::chrono::steady_clock;
constexpr auto PATIENCE = std::chrono::microseconds(100);  // how long threads spin before they sleep
// How long a measured hand-over is believed: a usual one, and one that took longer than any between idle cores; and so
// many times as long as measuring took, which is slow where threads wait for a processor.
constexpr auto TRUST = std::chrono::milliseconds(500), TRUST_OF_BUSY = std::chrono::milliseconds(10);
constexpr int TRUST_PER_TIME = 50;
constexpr double BUSY_SECONDS = 1e-5;

// Threads that wait for each other, but not for long: some may not be running.
struct Meeting {
  int count;
  Clock::time_point until;
  std::atomic<int> arrived{0};

  void join() {
    arrived.fetch_add(1);
    while (arrived.load() < count && Clock::now() < until) pause();
  }
};

// Workers wait for a new call number, first spinning (a training step starts several jobs within microseconds of each
// other), then sleeping. A worker that wakes too late finds no job and waits again: nobody waits for it.
class Pool {
 public:
  explicit Pool(int workers) {
    threads_.reserve(static_cast<size_t>(workers));
    try {
      for (int i = 0; i < workers; ++i) threads_.emplace_back([this, i] { serve(i + 1); });
    } catch (const std::system_error&) {
      // The system refused more threads: the ones that exist do the work.
    }
  }

  ~Pool() {
    stop_.store(true);
    call();
    for (auto& t : threads_) t.join();
  }

  // Seconds until all threads have begun a loop and the caller knows that they have ended it: the median of some runs.
  // The shortest would be what a hand-over costs where cores are near each other by luck. Workers are awake, as between
  // the products of a training step.
  double hand_over() {
    std::array<double, 33> seconds;
    bool was_late = false;  // the first time it may have been asleep
    for (double& each : seconds) {
      Meeting meeting = {.count = static_cast<int>(threads_.size()) + 1, .until = Clock::now() + PATIENCE};
      Job job = {
          .count = meeting.count,
          .workers = meeting.count,
          .body = [](void* context, int64_t, int) { static_cast<Meeting*>(context)->join(); },
          .context = &meeting,
      };
      const auto begin = Clock::now();
      run(job);
      each = std::chrono::duration<double>(Clock::now() - begin).count();
      const bool is_late = meeting.arrived.load() < meeting.count;
      if (is_late && was_late) return each;  // a core is taken: more runs would tell no more
      was_late = is_late;
    }
    auto* const middle = seconds.begin() + seconds.size() / 2;
    std::nth_element(seconds.begin(), middle, seconds.end());
    return *middle;
  }

  void run(Job& job) {
    job_.store(&job);
    call();
    job.work(0);
    job_.store(nullptr);
    for (int spins = 0; active_.load() > 0; ++spins) {  // `job` must outlive the workers that still read it
      if (spins < 256)
        pause();
      else
        std::this_thread::yield();  // more threads than processors: let them finish
    }
  }

 private:
  void call() {
    calls_.fetch_add(1);
    if (asleep_.load() > 0) {
      {
        const std::lock_guard lock(mutex_);
      }  // every worker counted in asleep_ is now inside wake_.wait
      wake_.notify_all();
    }
  }

  void serve(int worker) {
    for (uint64_t last_call = 0; !stop_.load();) {
      last_call = wait(last_call);
      active_.fetch_add(1);
      if (Job* job = job_.load()) job->work(worker);
      active_.fetch_sub(1);
    }
  }

  uint64_t wait(uint64_t last_call) {
    const auto until = Clock::now() + PATIENCE;
    do {
      for (int i = 0; i < 64; ++i) {
        if (const uint64_t now = calls_.load(); now != last_call) return now;
        pause();
      }
    } while (Clock::now() < until);
    std::unique_lock lock(mutex_);
    asleep_.fetch_add(1);
    wake_.wait(lock, [&] { return calls_.load() != last_call; });
    asleep_.fetch_sub(1);
    return calls_.load();
  }

  std::vector<std::thread> threads_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::atomic<uint64_t> calls_{0};
  std::atomic<int> active_{0}, asleep_{0};
  std::atomic<Job*> job_{nullptr};
  std::atomic<bool> stop_{false};
};

std::mutex* pool_mutex = new std::mutex;  // held while the pool runs a job or is resized
Pool* pool = nullptr;
std::atomic<int> thread_count{1};
std::atomic<double> hand_over_seconds{0};            // of the pool; 0: not measured
std::atomic<Clock::rep> hand_over_trusted_until{0};  // in ticks of Clock
std::atomic<int> sharers{0};                         // computations that run side by side

// The pool, started if need be; pool_mutex is held.
Pool& running_pool() {
  if (!pool) pool = new Pool(thread_count - 1);
  return *pool;
}

// The cost of a hand-over; 0 while another Python thread has the pool and it was never measured. It is measured again
// and again: another process may take the cores for a moment, and a virtual machine may move them apart.
double hand_over_cost() {
  thread_local unsigned questions = 0;  // the clock takes as long as a small product: it is not read every time
  const double known = hand_over_seconds;
  if (known > 0 && questions++ % 64 != 0) return known;
  const auto now = Clock::now();
  if (known > 0 && now.time_since_epoch().count() < hand_over_trusted_until) return known;
  const std::unique_lock lock(*pool_mutex, std::try_to_lock);
  if (lock.owns_lock()) {
    const double measured = running_pool().hand_over();
    const auto end = Clock::now();
    const Clock::duration least = measured < BUSY_SECONDS ? TRUST : TRUST_OF_BUSY;
    hand_over_trusted_until = (end + std::max(least, TRUST_PER_TIME * (end - now))).time_since_epoch().count();
    hand_over_seconds = measured;
  }
  return hand_over_seconds;
}

// A forked child has none of its parent's threads: it starts a pool of its own and never touches the parent's objects.
void reset_after_fork() {
  pool_mutex = new std::mutex;
  pool = nullptr;
  hand_over_seconds = 0;
  sharers = 0;
}

}  // namespace

int num_threads() {
  return thread_count;
}

int available_threads() {
  return in_parallel_region ? 1 : std::max(1, thread_count / std::max(1, sharers.load()));
}

void share_threads(int change) {
  sharers += change;
}

int worthwhile_threads(double seconds) {
  const int threads = available_threads();
  if (threads == 1 || seconds <= 0) return 1;
  const double cost = hand_over_cost();
  return cost > 0 && seconds * (threads - 1) / threads > 2 * cost ? threads : 1;
}

void set_num_threads(int n) {
  static const int registered = platform::at_fork(nullptr, nullptr, reset_after_fork);
  (void)registered;
  const std::lock_guard lock(*pool_mutex);
  if (n == thread_count) return;
  delete pool;
  pool = nullptr;
  hand_over_seconds = 0;
  thread_count = n;
}

void run_parallel(int64_t count, int workers, void (*body)(void*, int64_t, int), void* context) {
  workers = std::min(workers, available_threads());
  if (count > 1 && workers > 1) {
    const std::unique_lock lock(*pool_mutex, std::try_to_lock);
    if (lock.owns_lock()) {
      Pool& started = running_pool();
      Job job = {.count = count, .workers = workers, .body = body, .context = context};
      started.run(job);
      return;
    }
  }
  for (int64_t i = 0; i < count; ++i) body(context, i, 0);
}

}  // namespace gatecast
