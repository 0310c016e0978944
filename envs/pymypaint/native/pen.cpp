#include "pen.h"

#include <cmath>

namespace pymypaint {
namespace {

constexpr int kPoints = 50;  // of a curve

}  // namespace

Pen::Pen(Surface& surface, const Recipe& recipe, double seconds)
    : surface_(surface), recipe_(recipe), seconds_(seconds), countdown_(recipe) {
    surface.listen(this);
    reset();
}

void Pen::set(MyPaintBrushSetting setting, double value) {
    mypaint_brush_set_base_value(brush_.get(), setting, static_cast<float>(value));
}

void Pen::reset() {
    brush_ = recipe_.make();
    set(MYPAINT_BRUSH_SETTING_COLOR_H, 0);
    set(MYPAINT_BRUSH_SETTING_COLOR_S, 0);
    set(MYPAINT_BRUSH_SETTING_COLOR_V, 0);
    pressure_ = 0;
    move(0, 0);
}

void Pen::set_brush(float radius, const float* rgb) {
    const Hsv hsv = hsv_from_rgb(rgb);
    set(MYPAINT_BRUSH_SETTING_RADIUS_LOGARITHMIC, std::log(static_cast<double>(radius)));
    countdown_.set_radius(radius);
    set(MYPAINT_BRUSH_SETTING_COLOR_H, hsv.hue);
    set(MYPAINT_BRUSH_SETTING_COLOR_S, hsv.saturation);
    set(MYPAINT_BRUSH_SETTING_COLOR_V, hsv.value);
}

void Pen::stroke_to(float x, float y, float pressure, double seconds) {
    surface_.begin();
    go(x, y, pressure, seconds);
    surface_.end();
    countdown_.finish();
}

void Pen::move(float x, float y) {
    surface_.begin();
    mypaint_brush_reset(brush_.get());
    mypaint_brush_new_stroke(brush_.get());
    go(x, y, 0, seconds_);
    surface_.end();
    x_ = x;
    y_ = y;
    painting_ = false;
    countdown_.finish();
}

void Pen::paint(const Stroke& stroke) {
    set_brush(stroke.radius, stroke.rgb);
    const double from = painting_ ? pressure_ : stroke.pressure;
    surface_.begin();
    if (!painting_) go(x_, y_, from, seconds_);  // so that the pressure takes effect from the first point on
    for (int i = 1; i <= kPoints; ++i) {
        const double t = double(i) / kPoints;
        const double a = (1 - t) * (1 - t), b = 2 * (1 - t) * t, c = t * t;
        go(a * x_ + b * stroke.control[0] + c * stroke.end[0], a * y_ + b * stroke.control[1] + c * stroke.end[1],
           from * (1 - t) + stroke.pressure * t, seconds_);
    }
    surface_.end();
    x_ = stroke.end[0];
    y_ = stroke.end[1];
    pressure_ = stroke.pressure;
    painting_ = true;
    countdown_.finish();
}

void Pen::go(double x, double y, double pressure, double seconds) {
    const float to_x = static_cast<float>(x), to_y = static_cast<float>(y);
    countdown_.start(*brush_, to_x, to_y, seconds);
    mypaint_brush_stroke_to(brush_.get(), surface_.library(), to_x, to_y, static_cast<float>(pressure), 0, 0, seconds);
}

void Pen::dab_drawn(int work) { countdown_.next(*brush_, work); }

}  // namespace pymypaint
