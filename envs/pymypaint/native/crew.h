// Threads that share the items of a loop, and survive a fork.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <functional>
#include <memory>

namespace pymypaint {

class Crew {
public:
    explicit Crew(int threads);  // the caller is one of them
    ~Crew();
    Crew(const Crew&) = delete;
    Crew& operator=(const Crew&) = delete;

    int threads() const { return threads_; }
    // Called with an item, and the number of the thread that does it.
    using Work = std::function<void(size_t item, int thread)>;

    // Does the items 0 ... count - 1, each once, in any order, and returns when all are done. A thread that comes too late
    // finds nothing left to do, and is not waited for. Throws what one of the calls threw.
    void run(size_t count, const Work& work);

private:
    struct Job;
    struct Helpers;
    void forget_helpers_of_parent();

    const int threads_;
    pid_t process_ = 0;  // in which the helpers live
    std::unique_ptr<Helpers> helpers_;
};

}  // namespace pymypaint
