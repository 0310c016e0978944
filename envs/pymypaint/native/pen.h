// The hand: it holds a brush and turns actions into the points that libmypaint draws through.
#pragma once

#include "brush.h"
#include "countdown.h"
#include "surface.h"

namespace pymypaint {

struct Stroke {
    float control[2], end[2];  // x, y in pixels
    float pressure, radius;
    float rgb[3];
};

class Pen final : private DabListener {
public:
    Pen(Surface& surface, const Recipe& recipe, double seconds);  // between two points of a curve

    void reset();  // a new brush, lifted, at (0, 0), black
    void paint(const Stroke& stroke);
    void move(float x, float y);

    // For a person's own strokes: size and colour of the brush, then points.
    void set_brush(float radius, const float* rgb);
    void stroke_to(float x, float y, float pressure, double seconds);

private:
    void go(double x, double y, double pressure, double seconds);
    void dab_drawn(int work) override;
    void set(MyPaintBrushSetting setting, double value);

    Surface& surface_;
    const Recipe& recipe_;
    const double seconds_;
    BrushPointer brush_;
    Countdown countdown_;

    float x_ = 0, y_ = 0, pressure_ = 0;
    bool painting_ = false;  // whether the last action painted
};

}  // namespace pymypaint
