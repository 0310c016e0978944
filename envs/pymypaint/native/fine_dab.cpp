#include "fine_dab.h"

#include <mypaint-tiled-surface.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

namespace pymypaint {
namespace {

constexpr float kLeftOut = 0.1f;  // pixels; libmypaint draws no finer dab
constexpr float kFine = 3.0f;     // and softens the edge of all below this
constexpr float kSharp = 10.0f;   // and not of such a one
constexpr int kRadii = 30, kHardnesses = 20;  // steps of the table
constexpr int kPlaces = 4;        // of a dab's middle within a pixel, along each axis
constexpr int kPixels = MYPAINT_TILE_SIZE * MYPAINT_TILE_SIZE;
constexpr float kMiddle = MYPAINT_TILE_SIZE / 2.0f;

std::vector<uint16_t> drawn(kPixels * 4), elsewhere(kPixels * 4);

void start_tile(MyPaintTiledSurface*, MyPaintTileRequest* request) {
    request->buffer = request->tx == 0 && request->ty == 0 ? drawn.data() : elsewhere.data();
}
void end_tile(MyPaintTiledSurface*, MyPaintTileRequest*) {}

// The ink of a round dab in pixels, as libmypaint draws it, in the mean of some places.
float measured(MyPaintTiledSurface& surface, const Dab& dab) {
    double sum = 0;
    for (int place = 0; place < kPlaces * kPlaces; ++place) {
        const float x = kMiddle + float(place / kPlaces) / kPlaces, y = kMiddle + float(place % kPlaces) / kPlaces;
        std::fill(drawn.begin(), drawn.end(), 0);
        mypaint_surface_begin_atomic(&surface.parent);
        mypaint_surface_draw_dab(&surface.parent, x, y, dab.radius, 0, 0, 0, 1, dab.hardness, 1, 1, 0, 0, 0);
        mypaint_surface_end_atomic(&surface.parent, nullptr);
        for (int i = 3; i < kPixels * 4; i += 4) sum += drawn[i];
    }
    return float(sum / (1 << 15) / (kPlaces * kPlaces));
}

// Where a value lies in a table of `steps` steps from `first` to `last`: after which step, and how far to the next. What
// is not a number counts as the first.
struct Place {
    int step;
    float rest;

    Place(float value, float first, float last, int steps) {
        const float at = value > first ? std::min((value - first) / (last - first), 1.0f) * steps : 0;
        step = std::min(int(at), steps - 1);
        rest = at - step;
    }
    template <typename Row>
    float of(const Row& row) const {
        return row[step] + rest * (row[step + 1] - row[step]);
    }
};

class Ink {
public:
    Ink() {
        MyPaintTiledSurface surface;
        mypaint_tiled_surface_init(&surface, start_tile, end_tile);
        for (int h = 0; h <= kHardnesses; ++h) {
            const float hardness = float(h) / kHardnesses;
            sharp_[h] = measured(surface, {kSharp, hardness}) / (kSharp * kSharp);
            for (int i = 0; i <= kRadii; ++i) {
                const float radius = kLeftOut + (kFine - kLeftOut) * i / kRadii;
                // The ends of the table belong to it.
                fine_[h][i] = measured(surface, {std::clamp(radius, kLeftOut + 1e-4f, kFine - 1e-3f), hardness});
            }
        }
        mypaint_tiled_surface_destroy(&surface);
    }

    // Of a dab of radius 1 whose edge is not softened.
    float sharp(float hardness) const { return Place(hardness, 0, 1, kHardnesses).of(sharp_); }

    float fine(const Dab& dab) const {
        const Place h(dab.hardness, 0, 1, kHardnesses), radius(dab.radius, kLeftOut, kFine, kRadii);
        const float less = radius.of(fine_[h.step]);
        return less + h.rest * (radius.of(fine_[h.step + 1]) - less);
    }

    float of(const Dab& dab) const {
        if (!(dab.radius >= kLeftOut)) return 0;
        return dab.radius < kFine ? fine(dab) : dab.radius * dab.radius * sharp(dab.hardness);
    }

private:
    std::array<float, kHardnesses + 1> sharp_;
    std::array<std::array<float, kRadii + 1>, kHardnesses + 1> fine_;
};

// As libmypaint softens a dab: its fade-out becomes `edge` where it is less, and the middle of it stays.
Dab softened(const Dab& dab, float edge) {
    if (dab.radius * (1 - dab.hardness) >= edge) return dab;
    const float middle = dab.radius * (1 + dab.hardness) / 2;
    return {middle + edge / 2, (middle - edge / 2) / (middle + edge / 2)};
}

}  // namespace

float enlarged(const Dab& dab, float scale, float edge) {
    const Dab small = softened({dab.radius / scale, dab.hardness}, edge);
    if (small.radius >= kFine && small.hardness == dab.hardness) return dab.radius;
    static const Ink ink;
    const float left = scale * scale * ink.of(small);
    if (left <= 0) return 0;
    if (left >= ink.fine({kFine, dab.hardness})) return std::sqrt(left / ink.sharp(dab.hardness));
    float low = kLeftOut, high = kFine;  // it is fine here, too
    for (int i = 0; i < 12; ++i) {
        const float middle = (low + high) / 2;
        (ink.fine({middle, dab.hardness}) < left ? low : high) = middle;
    }
    return low;
}

}  // namespace pymypaint
