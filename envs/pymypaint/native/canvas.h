// One surface of any size with its own brush and pen.
//
// Pixels are 15-bit fixed-point RGBA with premultiplied alpha, in square tiles of 64 pixels, as libmypaint wants them. The
// tiles cover at least the canvas; what lies beyond its right and lower edge is never shown.
#pragma once

#include <mypaint-tiled-surface.h>

#include <array>
#include <cstdint>
#include <vector>

#include "brush.h"

namespace pymypaint {

struct Format {
    int width, height, channels;
    std::array<uint16_t, 3> background;  // 15-bit
};

struct Stroke {
    float control[2], end[2];  // x, y in pixels
    float pressure, radius;
    float rgb[3];
};

class Canvas {
public:
    Canvas(const Format& format, const Recipe& recipe);
    ~Canvas();
    Canvas(const Canvas&) = delete;
    Canvas& operator=(const Canvas&) = delete;

    void reset();
    void paint(const Stroke& stroke);
    void move(float x, float y);

    // For a person's own strokes: size and colour of the brush, then points.
    void set_brush(float radius, const float* rgb);
    void stroke_to(float x, float y, float pressure, double seconds);

    // Writes height/factor x width/factor x channels bytes.
    void read(uint8_t* out, int factor);

private:
    struct Surface {
        MyPaintTiledSurface base;  // first: libmypaint hands this address back
        Canvas* owner;
    };

    static void tile_start(MyPaintTiledSurface* surface, MyPaintTileRequest* request);
    static void tile_end(MyPaintTiledSurface*, MyPaintTileRequest*) {}
    static int draw_dab(MyPaintSurface* surface, float x, float y, float radius, float r, float g, float b, float opaque,
                        float hardness, float alpha, float aspect_ratio, float angle, float lock_alpha, float colorize);
    static void get_color(MyPaintSurface* surface, float x, float y, float radius, float* r, float* g, float* b, float* a);

    bool touches(float x, float y, float radius) const;
    void to(double x, double y, double pressure, double seconds);
    void begin();
    void end();
    const uint16_t* at(int x, int y) const;
    template <int channels>
    void convert();
    template <int channels>
    void convert_exact(int left, int right, int row, uint8_t* shown) const;

    const Format format_;
    const Recipe& recipe_;
    const int tiles_x_, tiles_y_;
    std::vector<uint16_t> pixels_;
    Surface surface_;
    BrushPointer brush_;

    float x_ = 0, y_ = 0, pressure_ = 0;
    bool pen_down_ = false;

    // What was read last, so that only what changed since is converted again.
    std::vector<uint8_t> image_;
    int factor_ = 0;
    int left_ = 0, top_ = 0, right_ = 0, bottom_ = 0;  // changed since; right and bottom excluded
};

}  // namespace pymypaint
