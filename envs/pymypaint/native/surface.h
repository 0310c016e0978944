// The pixels of one canvas, as a surface that libmypaint paints on.
//
// Pixels are 15-bit fixed-point RGBA with premultiplied alpha, in square tiles of 64 pixels, as libmypaint wants them. The
// tiles cover at least the canvas; what lies beyond its right and lower edge is never shown.
#pragma once

#include <mypaint-tiled-surface.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace pymypaint {

constexpr int kTile = MYPAINT_TILE_SIZE;
constexpr uint16_t kOne = 1 << 15;  // 1.0 in fixed point

using Color = std::array<uint16_t, 3>;  // fixed point

// Columns left to right - 1, rows top to bottom - 1.
struct Region {
    int left, top, right, bottom;

    bool empty() const { return left >= right || top >= bottom; }
    int area() const { return empty() ? 0 : (right - left) * (bottom - top); }
    void include(const Region& other);
    Region within(const Region& other) const;
};

// Told of each dab before libmypaint goes on, and how much work it was, in dabs of one tile.
class DabListener {
public:
    virtual void dab_drawn(int work) = 0;

protected:
    ~DabListener() = default;
};

// Brings numbers that will be written to into the processor's cache, in the background.
template <typename T>
void fetch(const std::vector<T>& numbers) {
    constexpr size_t kLine = 64 / sizeof(T);  // a cache line
    for (size_t i = 0; i < numbers.size(); i += kLine) __builtin_prefetch(&numbers[i], 1, 2);
}

class Surface {
public:
    // Its pixels are `scale` times as many along each side as those of the canvas that the brush was made for, and the
    // brush softens edges by `edge` of its pixels on either; see fine_dab.h.
    Surface(int width, int height, const Color& background, float scale, float edge);
    ~Surface();
    Surface(const Surface&) = delete;
    Surface& operator=(const Surface&) = delete;

    void clear();  // to the background, opaque
    void become(const Surface& other);  // of equal size and background
    void load(const uint8_t* shown, int channels);  // a picture of 8 bits, row by row, opaque
    void begin();  // strokes go between begin and end
    void end();
    void listen(DabListener* listener) { listener_ = listener; }
    MyPaintSurface* library() { return &tiled_.base.parent; }

    int width() const { return width_; }
    int height() const { return height_; }
    const Color& background() const { return background_; }
    // R, G, B, A of pixel (x, y), followed by those to its right as far as the tile goes.
    const uint16_t* at(int x, int y) const { return &tiles_[tile(x / kTile, y / kTile) + (y % kTile * kTile + x % kTile) * 4]; }
    void fetch() const { pymypaint::fetch(tiles_); }
    // What may have changed since the last call.
    Region take_changed();

private:
    struct Tiled {
        MyPaintTiledSurface base;  // first: libmypaint hands this address back
        Surface* owner;
    };
    static Surface* of(void* surface) { return static_cast<Tiled*>(surface)->owner; }
    static void start_tile(MyPaintTiledSurface* surface, MyPaintTileRequest* request);
    static int draw_dab(MyPaintSurface* surface, float x, float y, float radius, float r, float g, float b, float opaque,
                        float hardness, float alpha, float aspect_ratio, float angle, float lock_alpha, float colorize);
    static void get_color(MyPaintSurface* surface, float x, float y, float radius, float* r, float* g, float* b, float* a);

    size_t tile(int column, int row) const { return (size_t(row) * columns_ + column) * kTile * kTile * 4; }
    void make();
    bool touches(float x, float y, float radius) const;

    const int width_, height_, columns_, rows_;
    const Color background_;
    const float scale_, edge_;
    std::vector<uint16_t> tiles_;
    // What each tile holds: equal marks mean equal pixels, on any surfaces of equal background. Zero is that background.
    std::vector<uint64_t> marks_;
    uint64_t mark_ = 0;  // of what is painted now
    Tiled tiled_;
    DabListener* listener_ = nullptr;
    Region changed_;
    int queued_ = 0;   // dabs since begin(), each counted for each of its tiles
    int strayed_ = 0;  // pixels of them outside of the canvas
    int looked_ = 0;   // tiles that were looked at since the last dab
};

}  // namespace pymypaint
