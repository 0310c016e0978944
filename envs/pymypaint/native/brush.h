// A brush that can be made anew, quickly and exactly.
//
// libmypaint seeds the random generator of a brush when it is made and offers no way to seed it again. A brush that uses
// chance and shall behave as if new must therefore be new. Reading its JSON takes about 100 microseconds each time; setting
// the same numbers through libmypaint's setters takes ten, and gives the same brush. All else that a brush remembers
// between strokes can be read and written, so that pens can share a brush that uses no chance.
#pragma once

#include <mypaint-brush.h>

#include <array>
#include <memory>
#include <utility>
#include <vector>

namespace pymypaint {

struct BrushDeleter {
    void operator()(MyPaintBrush* brush) const { mypaint_brush_unref(brush); }
};
using BrushPointer = std::unique_ptr<MyPaintBrush, BrushDeleter>;

// How one input (pressure, speed, ...) changes one setting: a line through points with ascending x.
struct Curve {
    MyPaintBrushSetting setting;
    MyPaintBrushInput input;
    std::vector<std::pair<float, float>> points;
};

struct Recipe {
    std::array<float, MYPAINT_BRUSH_SETTINGS_COUNT> values{};
    std::vector<Curve> curves;

    BrushPointer make() const;
    // Whether no pixel depends on what libmypaint remembers besides the states of the brush: its random generator, and
    // the scale of the last dab's grid.
    bool shareable() const;
    bool always_round() const;
    // The fade-out of its dabs in pixels, zero for one that grows with the picture (scaling.py).
    float fixed_edge() const;
};

struct Hsv {
    float hue, saturation, value;
};

// Components in [0, 1]; grey has hue 0 and saturation 0.
Hsv hsv_from_rgb(const float* rgb);

}  // namespace pymypaint
