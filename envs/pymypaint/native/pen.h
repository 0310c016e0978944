// The hand: it holds a brush and turns actions into the points that libmypaint draws through.
#pragma once

#include <array>

#include "brush.h"
#include "countdown.h"
#include "surface.h"

namespace pymypaint {

struct Stroke {
    const float* controls;  // x, y in pixels of each control point
    int control_count;      // 1 for a quadratic Bézier curve, 2 for a cubic one
    float end[2];
    float pressure, radius;
    float rgb[3];
};

class Pen final : private DabListener {
public:
    // `seconds` are between two of the 50 points of a curve. To be reset before use.
    Pen(Surface& surface, const Recipe& recipe, double seconds);

    // `shared` is a brush of the same recipe that no other pen uses at the same time.
    void reset(MyPaintBrush& shared);  // lifted, at (0, 0), black
    void paint(MyPaintBrush& shared, const Stroke& stroke);
    void move(MyPaintBrush& shared, float x, float y);
    // With a brush of the same recipe. The luck of one that uses chance stays its own.
    void become(const Pen& other);

    // For a person's own strokes: size and colour of the brush, then points.
    void set_brush(float radius, const float* rgb);
    void stroke_to(MyPaintBrush& shared, float x, float y, float pressure, double seconds);

private:
    void begin(MyPaintBrush& shared);
    void end();
    float state_of(int number) const;
    void set(MyPaintBrushSetting setting, float value);
    void go(double x, double y, double pressure, double seconds);
    void dab_drawn(int work) override;

    Surface& surface_;
    const Recipe& recipe_;
    const int points_;      // of a curve
    const double seconds_;  // between two of them
    Countdown countdown_;

    BrushPointer own_;               // if the brush is not shareable
    MyPaintBrush* brush_ = nullptr;  // in the hand, from begin to end
    std::array<float, MYPAINT_BRUSH_STATES_COUNT> states_{};
    float log_radius_;
    Hsv color_{0, 0, 0};

    float x_ = 0, y_ = 0, pressure_ = 0;  // where it is, and how it presses
    bool painting_ = false;  // whether the last action painted
};

}  // namespace pymypaint
