#include "picture.h"

#include <algorithm>
#include <cstring>

namespace pymypaint {
namespace {

// floor(255 v / 2^15 + 1/2) for v from 0 to 2^15, in numbers of 16 bits, of which a processor does many at once.
// With v + 64 = 128 q + r it is q, or q - 1 if r < v / 256, for 255 v / 2^15 = v / 128 - v / 2^15.
uint8_t shown_value(uint16_t v) {
    const uint16_t shifted = v + 64;
    const uint16_t remainder = (shifted & 127) << 8;
    return static_cast<uint8_t>((shifted >> 7) - (remainder < v));
}

// Opaque pixels of one tile, one by one, which is nearly all that there is; false if a pixel is not opaque.
template <int channels>
bool convert_opaque(const uint16_t* pixel, int count, uint8_t* shown) {
    uint16_t all[4] = {kOne, kOne, kOne, kOne};
    for (int i = 0; i < count; ++i)
        for (int j = 0; j < 4; ++j) all[j] &= pixel[4 * i + j];
    if (all[3] != kOne) return false;
    uint8_t bytes[kTile * 4];
    for (int i = 0; i < count * 4; ++i) bytes[i] = shown_value(pixel[i]);
    // Four bytes at once are faster than three; the next pixel replaces the one too many, and the last has none.
    constexpr int kAtOnce = channels == 3 ? 4 : channels;
    for (int i = 0; i + 1 < count; ++i) std::memcpy(shown + i * channels, bytes + 4 * i, kAtOnce);
    std::memcpy(shown + (count - 1) * channels, bytes + 4 * (count - 1), channels);
    return true;
}

}  // namespace

// A shown value is 255 times the mean of c + (1 - a) background over the pixels, in exact integers, rounded once, half up.
template <int channels>
void Picture::convert(int left, int right, int row, uint8_t* shown) const {
    const uint64_t area = uint64_t(factor_) * factor_;
    for (int column = left; column < right; ++column, shown += channels) {
        uint64_t sum[4] = {0, 0, 0, 0};
        for (int y = row * factor_; y < (row + 1) * factor_; ++y) {
            for (int x = column * factor_; x < (column + 1) * factor_; ++x) {
                const uint16_t* pixel = surface_.at(x, y);
                for (int i = 0; i < 4; ++i) sum[i] += pixel[i];
            }
        }
        const uint64_t missing = area * kOne - sum[3];
        for (int i = 0; i < channels; ++i) {
            const uint64_t value = sum[i] * kOne + missing * surface_.background()[i];
            shown[i] = static_cast<uint8_t>((value * 255 + (area << 29)) / (area << 30));
        }
    }
}

template <int channels>
void Picture::update(const Region& region) {
    const int left = region.left / factor_, right = (region.right + factor_ - 1) / factor_;
    const int columns = surface_.width() / factor_;
    for (int row = region.top / factor_; row < (region.bottom + factor_ - 1) / factor_; ++row) {
        uint8_t* shown = &bytes_[size_t(row) * columns * channels];
        if (factor_ > 1) {
            convert<channels>(left, right, row, shown + left * channels);
            continue;
        }
        for (int start = left, stop; start < right; start = stop) {
            stop = std::min(right, (start / kTile + 1) * kTile);
            if (!convert_opaque<channels>(surface_.at(start, row), stop - start, shown + start * channels))
                convert<channels>(start, stop, row, shown + start * channels);
        }
    }
}

void Picture::clear() {
    surface_.take_changed();
    const Color& background = surface_.background();
    if (background[0] == background[1] && background[1] == background[2]) {
        std::fill(bytes_.begin(), bytes_.end(), shown_value(background[0]));
        return;
    }
    for (int i = 0; i < channels_; ++i)
        for (size_t j = i; j < bytes_.size(); j += channels_) bytes_[j] = shown_value(background[i]);
}

void Picture::read(uint8_t* out, int factor) {
    Region changed = surface_.take_changed();
    if (factor != factor_) {
        factor_ = factor;
        bytes_.resize(size_t(surface_.height() / factor) * (surface_.width() / factor) * channels_);
        changed = {0, 0, surface_.width(), surface_.height()};
    }
    if (!changed.empty()) channels_ == 1 ? update<1>(changed) : update<3>(changed);
    std::memcpy(out, bytes_.data(), bytes_.size());
}

}  // namespace pymypaint
