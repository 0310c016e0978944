// A brush that can be made anew, quickly and exactly.
//
// libmypaint seeds the random generator of a brush when it is made and offers no way to seed it again. A brush that shall
// behave as if new must therefore be new. Reading its JSON takes about 100 microseconds each time; setting the same numbers
// through libmypaint's setters takes a few, and gives the same brush.
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
};

struct Hsv {
    float hue, saturation, value;
};

// Components in [0, 1]; grey has hue 0 and saturation 0.
Hsv hsv_from_rgb(const float* rgb);

}  // namespace pymypaint
