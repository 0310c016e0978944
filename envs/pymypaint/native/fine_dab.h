// How much ink a dab of a few pixels really leaves, so that it leaves as much in a larger picture.
//
// libmypaint softens the edges of small dabs: those of a brush with anti-aliasing by the brush's own fade-out in pixels,
// and those of less than three pixels by half a pixel more. That makes them larger than they say; the finest are left
// out. In a picture some times as large none of this happens to the same dab, which would leave other ink.
#pragma once

namespace pymypaint {

struct Dab {
    float radius, hardness;
};

// The radius in pixels with which a round dab leaves as much ink as the one that is 1 / `scale` as large leaves in a
// picture that is 1 / `scale` as large. Zero where that one leaves none.
//
// `edge` is the brush's fade-out in pixels, which is the same in both pictures; zero for none, or one that has grown.
float enlarged(const Dab& dab, float scale, float edge);

}  // namespace pymypaint
