#include "crew.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace pymypaint {

struct Crew::Job {
    const size_t count;
    const Work& work;  // not touched once all items are taken
    std::atomic<size_t> next{0};
    std::mutex lock;
    std::condition_variable finished;
    size_t done = 0;
    std::exception_ptr error;

    Job(size_t items, const Work& work_on) : count(items), work(work_on) {}

    void help(int thread) {
        for (size_t i; (i = next.fetch_add(1)) < count;) {
            std::exception_ptr thrown;
            try {
                work(i, thread);
            } catch (...) {
                thrown = std::current_exception();
            }
            std::lock_guard<std::mutex> guard(lock);
            if (thrown) error = thrown;
            if (++done == count) finished.notify_all();
        }
    }

    void wait() {
        std::unique_lock<std::mutex> guard(lock);
        finished.wait(guard, [this] { return done == count; });
        if (error) std::rethrow_exception(error);
    }
};

struct Crew::Helpers {
    std::mutex lock;
    std::condition_variable called;
    std::shared_ptr<Job> job;
    bool leave = false;
    std::vector<std::thread> threads;

    explicit Helpers(int count) {
        for (int i = 1; i <= count; ++i) threads.emplace_back([this, i] { serve(i); });
    }

    ~Helpers() {
        {
            std::lock_guard<std::mutex> guard(lock);
            leave = true;
        }
        called.notify_all();
        for (std::thread& thread : threads) thread.join();
    }

    void serve(int thread) {
        std::shared_ptr<Job> last;
        for (;;) {
            {
                std::unique_lock<std::mutex> guard(lock);
                called.wait(guard, [&] { return leave || job != last; });
                if (leave) return;
                last = job;
            }
            last->help(thread);
        }
    }

    void call(std::shared_ptr<Job> next) {
        {
            std::lock_guard<std::mutex> guard(lock);
            job = std::move(next);
        }
        called.notify_all();
    }
};

Crew::Crew(int threads) : threads_(threads) {}

Crew::~Crew() { forget_helpers_of_parent(); }

// A fork copies memory but no threads: what is left of the parent's helpers can neither be used nor taken apart.
void Crew::forget_helpers_of_parent() {
    if (helpers_ && process_ != getpid()) static_cast<void>(helpers_.release());
}

void Crew::run(size_t count, const Work& work) {
    if (threads_ == 1 || count <= 1) {
        for (size_t i = 0; i < count; ++i) work(i, 0);
        return;
    }
    forget_helpers_of_parent();
    if (!helpers_) {
        helpers_ = std::make_unique<Helpers>(threads_ - 1);
        process_ = getpid();
    }
    const auto job = std::make_shared<Job>(count, work);
    helpers_->call(job);
    job->help(0);
    job->wait();
}

}  // namespace pymypaint
