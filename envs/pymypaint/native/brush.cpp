#include "brush.h"

#include <algorithm>
#include <new>

namespace pymypaint {

BrushPointer Recipe::make() const {
    BrushPointer brush(mypaint_brush_new());
    if (!brush) throw std::bad_alloc();
    for (int i = 0; i < MYPAINT_BRUSH_SETTINGS_COUNT; ++i)
        if (values[i] != 0)  // what a new brush has
            mypaint_brush_set_base_value(brush.get(), static_cast<MyPaintBrushSetting>(i), values[i]);
    for (const Curve& curve : curves) {
        const int count = static_cast<int>(curve.points.size());
        mypaint_brush_set_mapping_n(brush.get(), curve.setting, curve.input, count);
        for (int i = 0; i < count; ++i)
            mypaint_brush_set_mapping_point(brush.get(), curve.setting, curve.input, i, curve.points[i].first,
                                            curve.points[i].second);
    }
    return brush;
}

bool Recipe::shareable() const {
    constexpr MyPaintBrushSetting random_settings[] = {MYPAINT_BRUSH_SETTING_OFFSET_BY_RANDOM,
                                                       MYPAINT_BRUSH_SETTING_RADIUS_BY_RANDOM,
                                                       MYPAINT_BRUSH_SETTING_TRACKING_NOISE};
    for (MyPaintBrushSetting setting : random_settings)
        if (values[setting] != 0) return false;
    for (const Curve& curve : curves) {
        const MyPaintBrushInput input = curve.input;
        if (input == MYPAINT_BRUSH_INPUT_RANDOM || input == MYPAINT_BRUSH_INPUT_GRIDMAP_X ||
            input == MYPAINT_BRUSH_INPUT_GRIDMAP_Y)
            return false;
        for (MyPaintBrushSetting setting : random_settings)
            if (curve.setting == setting) return false;
    }
    return true;
}

bool Recipe::always_round() const {
    for (const Curve& curve : curves)
        if (curve.setting == MYPAINT_BRUSH_SETTING_ELLIPTICAL_DAB_RATIO) return false;
    return values[MYPAINT_BRUSH_SETTING_ELLIPTICAL_DAB_RATIO] <= 1;
}

float Recipe::fixed_edge() const {
    const float edge = values[MYPAINT_BRUSH_SETTING_ANTI_ALIASING];
    return edge <= 1 ? edge : 0;
}

Hsv hsv_from_rgb(const float* rgb) {
    const double red = rgb[0], green = rgb[1], blue = rgb[2];
    const double value = std::max({red, green, blue});
    const double spread = value - std::min({red, green, blue});
    if (spread <= 1e-4) return {0.0f, 0.0f, static_cast<float>(value)};
    double sector;
    if (value == red)
        sector = (green - blue) / spread + (green < blue ? 6.0 : 0.0);
    else if (value == green)
        sector = (blue - red) / spread + 2.0;
    else
        sector = (red - green) / spread + 4.0;
    return {static_cast<float>(sector / 6.0), static_cast<float>(spread / value), static_cast<float>(value)};
}

}  // namespace pymypaint
