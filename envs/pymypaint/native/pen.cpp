#include "pen.h"

#include <cmath>

namespace pymypaint {
namespace {

constexpr int kPoints = 50;       // of a curve, if they are near enough in time
constexpr double kLongest = 0.1;  // seconds between two events

// Where events are further apart, libmypaint takes it that the pen hovered, and puts in one without pressure. A brush with
// tracking noise then passes over the event with the pressure, again and again. So a longer way is gone in equal parts.
int parts_of(double seconds) {
    int parts = 1;
    while (seconds / parts > kLongest) ++parts;
    return parts;
}

// How much each of its points counts for a Bézier curve at t: the first, its control points, the last.
std::array<double, 4> weights(int control_count, double t) {
    const double s = 1 - t;
    if (control_count == 1) return {s * s, 2 * s * t, t * t};
    return {s * s * s, 3 * s * s * t, 3 * s * t * t, t * t * t};
}

MyPaintBrushState state(int number) { return static_cast<MyPaintBrushState>(number); }

}  // namespace

Pen::Pen(Surface& surface, const Recipe& recipe, double seconds)
    : surface_(surface),
      recipe_(recipe),
      points_(kPoints * parts_of(seconds)),
      seconds_(seconds / parts_of(seconds)),
      countdown_(recipe),
      log_radius_(recipe.values[MYPAINT_BRUSH_SETTING_RADIUS_LOGARITHMIC]) {
    surface.listen(this);
}

void Pen::begin(MyPaintBrush& shared) {
    brush_ = own_ ? own_.get() : &shared;
    if (!own_)
        for (int i = 0; i < MYPAINT_BRUSH_STATES_COUNT; ++i) mypaint_brush_set_state(brush_, state(i), states_[i]);
    set(MYPAINT_BRUSH_SETTING_RADIUS_LOGARITHMIC, log_radius_);
    set(MYPAINT_BRUSH_SETTING_COLOR_H, color_.hue);
    set(MYPAINT_BRUSH_SETTING_COLOR_S, color_.saturation);
    set(MYPAINT_BRUSH_SETTING_COLOR_V, color_.value);
    surface_.begin();
}

// libmypaint computes a good deal anew whenever a value is set.
void Pen::set(MyPaintBrushSetting setting, float value) {
    if (mypaint_brush_get_base_value(brush_, setting) != value) mypaint_brush_set_base_value(brush_, setting, value);
}

void Pen::end() {
    surface_.end();
    if (!own_)
        for (int i = 0; i < MYPAINT_BRUSH_STATES_COUNT; ++i) states_[i] = mypaint_brush_get_state(brush_, state(i));
    countdown_.finish();
}

void Pen::reset(MyPaintBrush& shared) {
    if (recipe_.shareable())
        states_.fill(0);
    else
        own_ = recipe_.make();
    log_radius_ = recipe_.values[MYPAINT_BRUSH_SETTING_RADIUS_LOGARITHMIC];
    countdown_.set_radius(std::exp(log_radius_));
    color_ = {0, 0, 0};
    move(shared, 0, 0);
}

void Pen::set_brush(float radius, const float* rgb) {
    log_radius_ = static_cast<float>(std::log(static_cast<double>(radius)));
    color_ = hsv_from_rgb(rgb);
    countdown_.set_radius(radius);
}

void Pen::stroke_to(MyPaintBrush& shared, float x, float y, float pressure, double seconds) {
    const double from_x = x_, from_y = y_, from = pressure_;
    const int parts = parts_of(seconds);
    x_ = x;
    y_ = y;
    pressure_ = pressure;
    begin(shared);
    for (int i = 1; i <= parts; ++i) {
        const double t = double(i) / parts;
        go(from_x * (1 - t) + x * t, from_y * (1 - t) + y * t, from * (1 - t) + pressure * t, seconds / parts);
    }
    end();
}

void Pen::move(MyPaintBrush& shared, float x, float y) {
    x_ = x;
    y_ = y;
    pressure_ = 0;
    painting_ = false;
    begin(shared);
    mypaint_brush_reset(brush_);
    mypaint_brush_new_stroke(brush_);
    go(x, y, 0, seconds_);
    end();
}

void Pen::paint(MyPaintBrush& shared, const Stroke& stroke) {
    const double from_x = x_, from_y = y_, from = painting_ ? pressure_ : stroke.pressure;
    const bool landing = !painting_;
    x_ = stroke.end[0];
    y_ = stroke.end[1];
    pressure_ = stroke.pressure;
    painting_ = true;

    set_brush(stroke.radius, stroke.rgb);
    begin(shared);
    if (landing) go(from_x, from_y, from, seconds_);  // so that the pressure takes effect from the first point on
    for (int i = 1; i <= points_; ++i) {
        const double t = double(i) / points_;
        const std::array<double, 4> weight = weights(stroke.control_count, t);
        double x = weight[0] * from_x, y = weight[0] * from_y;
        for (int k = 0; k < stroke.control_count; ++k) {
            x += weight[k + 1] * stroke.controls[2 * k];
            y += weight[k + 1] * stroke.controls[2 * k + 1];
        }
        const double last = weight[stroke.control_count + 1];
        go(x + last * stroke.end[0], y + last * stroke.end[1], from * (1 - t) + stroke.pressure * t, seconds_);
    }
    end();
}

float Pen::state_of(int number) const {
    return own_ ? mypaint_brush_get_state(own_.get(), state(number)) : states_[number];
}

void Pen::become(const Pen& other) {
    for (int i = 0; i < MYPAINT_BRUSH_STATES_COUNT; ++i) {
        states_[i] = other.state_of(i);
        if (own_) mypaint_brush_set_state(own_.get(), state(i), states_[i]);
    }
    countdown_.set_radius(other.countdown_.radius());
    log_radius_ = other.log_radius_;
    color_ = other.color_;
    x_ = other.x_;
    y_ = other.y_;
    pressure_ = other.pressure_;
    painting_ = other.painting_;
}

void Pen::go(double x, double y, double pressure, double seconds) {
    const float to_x = static_cast<float>(x), to_y = static_cast<float>(y);
    countdown_.start(*brush_, to_x, to_y, seconds);
    mypaint_brush_stroke_to(brush_, surface_.library(), to_x, to_y, static_cast<float>(pressure), 0, 0, seconds);
}

void Pen::dab_drawn(int work) { countdown_.next(*brush_, work); }

}  // namespace pymypaint
