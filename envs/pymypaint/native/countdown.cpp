#include "countdown.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace pymypaint {
namespace {

constexpr float kMargin = 1e-6f;    // of a dab; five times what rounding does
constexpr float kManyDabs = 1000;    // then a dab more or less is within the margin
constexpr float kPosition = 5e-7f;   // relative; the least change of a coordinate that surely changes it

float state(const MyPaintBrush& brush, MyPaintBrushState which) {
    return mypaint_brush_get_state(const_cast<MyPaintBrush*>(&brush), which);
}

}  // namespace

TooManyDabs::TooManyDabs()
    : std::runtime_error(
          "a stroke needs a million dabs or more; use a larger radius, shorter strokes, or a brush with fewer dabs") {}

Countdown::Countdown(const Recipe& recipe)
    : per_actual_radius_(recipe.values[MYPAINT_BRUSH_SETTING_DABS_PER_ACTUAL_RADIUS]),
      per_basic_radius_(recipe.values[MYPAINT_BRUSH_SETTING_DABS_PER_BASIC_RADIUS]),
      per_second_(recipe.values[MYPAINT_BRUSH_SETTING_DABS_PER_SECOND]),
      slowness_(recipe.values[MYPAINT_BRUSH_SETTING_SLOW_TRACKING]),
      round_(recipe.always_round()) {}

void Countdown::set_radius(float radius) {
    radius_ = std::clamp(radius, 0.2f, 1000.0f);  // libmypaint's limits
    per_pixel_ = per_basic_radius_ / radius_;
}

Countdown::Way Countdown::way(const MyPaintBrush& brush) const {
    Way way;
    way.dx = goal_x_ - state(brush, MYPAINT_BRUSH_STATE_X);
    way.dy = goal_y_ - state(brush, MYPAINT_BRUSH_STATE_Y);
    way.length = std::sqrt(way.dx * way.dx + way.dy * way.dy);
    float distance = way.length;
    const float ratio = round_ ? 1 : state(brush, MYPAINT_BRUSH_STATE_ACTUAL_ELLIPTICAL_DAB_RATIO);
    if (ratio > 1) {  // distance across the dab counts more than along it
        const double angle = state(brush, MYPAINT_BRUSH_STATE_ACTUAL_ELLIPTICAL_DAB_ANGLE) * M_PI / 180;
        const float cosine = static_cast<float>(std::cos(angle)), sine = static_cast<float>(std::sin(angle));
        distance = std::hypot(way.dy * sine + way.dx * cosine, (way.dy * cosine - way.dx * sine) * ratio);
    }
    const float drawn_radius = state(brush, MYPAINT_BRUSH_STATE_ACTUAL_RADIUS);
    way.dabs = distance * (per_actual_radius_ / (drawn_radius > 0 ? drawn_radius : radius_) + per_pixel_);
    return way;
}

void Countdown::start(MyPaintBrush& brush, float x, float y, double seconds) {
    at_goal_ = false;
    goal_x_ = x;
    goal_y_ = y;
    if (slowness_ > 0.001f) {  // the brush follows the pen
        if (seconds != seconds_) share_ = static_cast<float>(1 - std::exp(-100 * seconds / slowness_));
        seconds_ = seconds;
        const float from_x = state(brush, MYPAINT_BRUSH_STATE_X), from_y = state(brush, MYPAINT_BRUSH_STATE_Y);
        goal_x_ = from_x + (x - from_x) * share_;
        goal_y_ = from_y + (y - from_y) * share_;
    }
    const Way ahead = way(brush);
    const float by_time = static_cast<float>(seconds) * per_second_;
    by_time_ = ahead.length > 0 ? by_time / ahead.length : 0;

    const float done = state(brush, MYPAINT_BRUSH_STATE_PARTIAL_DABS);
    const float dabs = done + ahead.dabs + by_time;
    left_ = dabs;
    if (!(dabs > 0.5f && dabs < kManyDabs)) return;
    if (std::abs(dabs - static_cast<int>(dabs + 0.5f)) >= kMargin * dabs) return;
    const float shift = 2 * kMargin * dabs;
    mypaint_brush_set_state(&brush, MYPAINT_BRUSH_STATE_PARTIAL_DABS, done + shift < 1 ? done + shift : done - shift);
}

void Countdown::next(MyPaintBrush& brush, int work) {
    work_ += work;
    if (work_ > kMostWork && !at_goal_) {
        at_goal_ = cut_short_ = true;
        mypaint_brush_set_state(&brush, MYPAINT_BRUSH_STATE_X, goal_x_);
        mypaint_brush_set_state(&brush, MYPAINT_BRUSH_STATE_Y, goal_y_);
        return;
    }
    left_ -= 1;
    if (std::abs(left_ - 1) > 0.5f) return;  // far from the last dab
    const Way ahead = way(brush);
    const float dabs = ahead.dabs + ahead.length * by_time_;
    if (!(std::abs(dabs - 1) < kMargin) || ahead.length == 0) return;
    const float x = state(brush, MYPAINT_BRUSH_STATE_X), y = state(brush, MYPAINT_BRUSH_STATE_Y);
    const float shift = 2 * kMargin + kPosition * (std::abs(x) + std::abs(y)) / ahead.length;
    mypaint_brush_set_state(&brush, MYPAINT_BRUSH_STATE_X, x - ahead.dx * shift);
    mypaint_brush_set_state(&brush, MYPAINT_BRUSH_STATE_Y, y - ahead.dy * shift);
}

void Countdown::finish() {
    work_ = 0;
    if (std::exchange(cut_short_, false)) throw TooManyDabs();
}

}  // namespace pymypaint
