// Keeps libmypaint's clock from running backwards.
//
// From one point of a stroke to the next libmypaint draws dabs at equal distances, and counts down the time that is left.
// Where the last dab falls on the very end, rounding can leave a time of -1e-9 s; libmypaint then prints "Time is running
// backwards!" to standard output and takes a millisecond instead. In one of some 300,000 strokes that happens. This class
// counts dabs as libmypaint does and, where the end is nearer than rounding errors, moves it by a few millionths of a dab.
//
// Brushes with tracking noise go to a point that nobody outside of libmypaint knows; to them it can still happen.
//
// It also sees to it that libmypaint returns: a brush can ask for any number of dabs, and libmypaint draws them all.
#pragma once

#include <stdexcept>

#include "brush.h"

namespace pymypaint {

class TooManyDabs : public std::runtime_error {
public:
    TooManyDabs();
};

class Countdown {
public:
    static constexpr int kMostWork = 4000000;  // of one stroke, in dabs of one tile: some seconds

    explicit Countdown(const Recipe& recipe);

    void set_radius(float radius);  // pixels, when the brush's changes
    float radius() const { return radius_; }
    // Before libmypaint goes to a point.
    void start(MyPaintBrush& brush, float x, float y, double seconds);
    // After each dab on the way there. When too much has been done, the way is cut short.
    void next(MyPaintBrush& brush, int work);
    // At the end of a stroke.
    // Throws TooManyDabs if a way was cut short.
    void finish();

private:
    struct Way {
        float dx, dy, length;  // pixels to go
        float dabs;            // those that distance demands
    };
    Way way(const MyPaintBrush& brush) const;

    const float per_actual_radius_, per_basic_radius_, per_second_, slowness_;
    const bool round_;            // dabs are circles
    float radius_ = 1;            // pixels, basic
    float per_pixel_ = 0;         // dabs that the basic radius demands
    double seconds_ = 0;          // of the way
    float share_ = 1;             // of the way that a slow brush goes in this time
    float goal_x_ = 0, goal_y_ = 0;
    float by_time_ = 0;           // dabs that time demands, spread over the pixels of the way
    float left_ = 0;              // dabs on the way, if they keep their size
    int work_ = 0;                // of this stroke
    bool at_goal_ = false, cut_short_ = false;
};

}  // namespace pymypaint
