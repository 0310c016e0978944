// A surface as bytes: what was shown last, so that only what changed since is converted again.
#pragma once

#include <cstdint>
#include <vector>

#include "surface.h"

namespace pymypaint {

class Picture {
public:
    // channels: 3 for RGB, 1 for the first of them.
    Picture(Surface& surface, int channels) : surface_(surface), channels_(channels) {}

    // After the surface was cleared.
    void clear();
    void fetch() const { pymypaint::fetch(bytes_); }
    // Writes height/factor x width/factor x channels bytes, each value the mean of factor x factor pixels.
    void read(uint8_t* out, int factor);

private:
    template <int channels>
    void update(const Region& region);
    template <int channels>
    void convert(int left, int right, int row, uint8_t* shown) const;

    Surface& surface_;
    const int channels_;
    int factor_ = 0;
    std::vector<uint8_t> bytes_;
};

}  // namespace pymypaint
