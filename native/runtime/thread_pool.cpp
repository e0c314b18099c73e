// See thread_pool.h.
#include "runtime/thread_pool.h"

#include <pthread.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace gatecast {
namespace {

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#else
  std::this_thread::yield();
#endif
}

thread_local bool inside = false;  // this thread is running a body: its own loops stay on it

// A loop that is being run: indices are drawn until none is left.
struct Job {
  int64_t count;
  int workers;
  void (*body)(void*, int64_t, int);
  void* context;
  std::atomic<int64_t> next{0};

  void work(int worker) {
    if (worker >= workers) return;
    const bool before = inside;
    inside = true;
    for (int64_t i; (i = next.fetch_add(1, std::memory_order_relaxed)) < count;) body(context, i, worker);
    inside = before;
  }
};

// Workers wait for a new call number, first awake (a training step starts several jobs within microseconds of each
// other), then asleep. A worker that wakes too late finds no job and waits again: nobody waits for it.
class Pool {
 public:
  explicit Pool(int workers) {
    threads_.reserve(static_cast<size_t>(workers));
    try {
      for (int i = 0; i < workers; ++i) threads_.emplace_back([this, i] { serve(i + 1); });
    } catch (const std::system_error&) {
      // The system grants no more threads: those that there are do the work.
    }
  }

  ~Pool() {
    stop_.store(true);
    call();
    for (auto& t : threads_) t.join();
  }

  void run(Job& job) {
    job_.store(&job);
    call();
    job.work(0);
    job_.store(nullptr);
    for (int spins = 0; active_.load() > 0; ++spins) {  // `job` must outlive whoever still reads it
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
      }  // whoever counted itself asleep has reached its wait
      wake_.notify_all();
    }
  }

  void serve(int worker) {
    for (uint64_t seen = 0; !stop_.load();) {
      seen = wait(seen);
      active_.fetch_add(1);
      if (Job* job = job_.load()) job->work(worker);
      active_.fetch_sub(1);
    }
  }

  uint64_t wait(uint64_t seen) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::microseconds(100);
    do {
      for (int i = 0; i < 64; ++i) {
        if (const uint64_t now = calls_.load(); now != seen) return now;
        pause();
      }
    } while (std::chrono::steady_clock::now() < until);
    std::unique_lock lock(mutex_);
    asleep_.fetch_add(1);
    wake_.wait(lock, [&] { return calls_.load() != seen; });
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

std::mutex* guard = new std::mutex;  // held while the pool runs a job or is being changed
Pool* pool = nullptr;
std::atomic<int> wanted{1};

// A forked child has none of its parent's threads: it starts over, and leaves the parent's objects alone.
void forked() {
  guard = new std::mutex;
  pool = nullptr;
}

}  // namespace

int threads() {
  return wanted;
}

int free_threads() {
  return inside ? 1 : wanted.load();
}

void set_threads(int n) {
  static const int registered = pthread_atfork(nullptr, nullptr, forked);
  (void)registered;
  const std::lock_guard lock(*guard);
  if (n == wanted) return;
  delete pool;
  pool = nullptr;
  wanted = n;
}

void run_parallel(int64_t count, int workers, void (*body)(void*, int64_t, int), void* context) {
  if (count > 1 && workers > 1 && wanted > 1 && !inside) {
    const std::unique_lock lock(*guard, std::try_to_lock);
    if (lock.owns_lock()) {
      if (!pool) pool = new Pool(wanted - 1);
      Job job{count, workers, body, context};
      pool->run(job);
      return;
    }
  }
  for (int64_t i = 0; i < count; ++i) body(context, i, 0);
}

}  // namespace gatecast
