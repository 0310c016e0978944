#include "canvas.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace pymypaint {
namespace {

constexpr int kTile = MYPAINT_TILE_SIZE;
constexpr int kTileNumbers = kTile * kTile * 4;
constexpr int kSteps = 50;         // points of a curve
constexpr double kSeconds = 0.1;   // between two points
constexpr uint16_t kOne = 1 << 15; // 1.0 in fixed point
constexpr float kLargestDab = 4096;

decltype(MyPaintSurface::draw_dab) library_draw_dab;
decltype(MyPaintSurface::get_color) library_get_color;

// libmypaint asks for tiles outside of the canvas too: reading gives transparent pixels, writing goes nowhere.
const std::vector<uint16_t> transparent_tile(kTileNumbers, 0);
uint16_t* scratch_tile() {
    thread_local std::vector<uint16_t> tile(kTileNumbers, 0);
    return tile.data();
}

}  // namespace

Canvas::Canvas(const Format& format, const Recipe& recipe)
    : format_(format),
      recipe_(recipe),
      tiles_x_((format.width + kTile - 1) / kTile),
      tiles_y_((format.height + kTile - 1) / kTile),
      pixels_(size_t(tiles_x_) * tiles_y_ * kTileNumbers) {
    mypaint_tiled_surface_init(&surface_.base, tile_start, tile_end);
    surface_.owner = this;
    library_draw_dab = surface_.base.parent.draw_dab;
    library_get_color = surface_.base.parent.get_color;
    surface_.base.parent.draw_dab = draw_dab;
    surface_.base.parent.get_color = get_color;
    reset();
}

Canvas::~Canvas() { mypaint_tiled_surface_destroy(&surface_.base); }

void Canvas::tile_start(MyPaintTiledSurface* surface, MyPaintTileRequest* request) {
    Canvas* self = reinterpret_cast<Surface*>(surface)->owner;
    if (request->tx >= 0 && request->ty >= 0 && request->tx < self->tiles_x_ && request->ty < self->tiles_y_)
        request->buffer = &self->pixels_[(size_t(request->ty) * self->tiles_x_ + request->tx) * kTileNumbers];
    else
        request->buffer = request->readonly ? const_cast<uint16_t*>(transparent_tile.data()) : scratch_tile();
}

// Also false for what is not a number.
bool Canvas::touches(float x, float y, float radius) const {
    const float reach = radius + 2;
    return radius <= kLargestDab && x + reach >= 0 && y + reach >= 0 && x - reach <= tiles_x_ * kTile &&
           y - reach <= tiles_y_ * kTile;
}

// A dab beyond the edges changes no pixel that is shown, yet libmypaint would render it: for speed, and because its map of
// tiles grows without bound where a brush throws dabs far away.
int Canvas::draw_dab(MyPaintSurface* surface, float x, float y, float radius, float r, float g, float b, float opaque,
                     float hardness, float alpha, float aspect_ratio, float angle, float lock_alpha, float colorize) {
    if (!reinterpret_cast<Surface*>(surface)->owner->touches(x, y, radius)) return FALSE;
    return library_draw_dab(surface, x, y, radius, r, g, b, opaque, hardness, alpha, aspect_ratio, angle, lock_alpha,
                            colorize);
}

void Canvas::get_color(MyPaintSurface* surface, float x, float y, float radius, float* r, float* g, float* b, float* a) {
    if (reinterpret_cast<Surface*>(surface)->owner->touches(x, y, std::max(radius, 1.0f)))
        return library_get_color(surface, x, y, radius, r, g, b, a);
    *r = *b = *a = 0;
    *g = 1;  // libmypaint's own answer where all is transparent
}

void Canvas::begin() { mypaint_surface_begin_atomic(&surface_.base.parent); }

void Canvas::end() {
    MyPaintRectangle changed{0, 0, 0, 0};
    mypaint_surface_end_atomic(&surface_.base.parent, &changed);
    if (changed.width <= 0 || changed.height <= 0) return;
    left_ = std::min(left_, std::max(changed.x, 0));
    top_ = std::min(top_, std::max(changed.y, 0));
    right_ = std::max(right_, std::min(changed.x + changed.width, format_.width));
    bottom_ = std::max(bottom_, std::min(changed.y + changed.height, format_.height));
}

void Canvas::to(double x, double y, double pressure, double seconds) {
    mypaint_brush_stroke_to(brush_.get(), &surface_.base.parent, static_cast<float>(x), static_cast<float>(y),
                            static_cast<float>(pressure), 0, 0, seconds);
}

void Canvas::reset() {
    const uint16_t pixel[4] = {format_.background[0], format_.background[1], format_.background[2], kOne};
    for (size_t i = 0; i < pixels_.size(); i += 4) std::memcpy(&pixels_[i], pixel, sizeof pixel);
    left_ = top_ = 0;
    right_ = format_.width;
    bottom_ = format_.height;

    brush_ = recipe_.make();
    move(0, 0);
    pressure_ = 0;
    const float black[3] = {0, 0, 0};
    const Hsv hsv = hsv_from_rgb(black);
    mypaint_brush_set_base_value(brush_.get(), MYPAINT_BRUSH_SETTING_COLOR_H, hsv.hue);
    mypaint_brush_set_base_value(brush_.get(), MYPAINT_BRUSH_SETTING_COLOR_S, hsv.saturation);
    mypaint_brush_set_base_value(brush_.get(), MYPAINT_BRUSH_SETTING_COLOR_V, hsv.value);
}

void Canvas::set_brush(float radius, const float* rgb) {
    const Hsv hsv = hsv_from_rgb(rgb);
    mypaint_brush_set_base_value(brush_.get(), MYPAINT_BRUSH_SETTING_RADIUS_LOGARITHMIC,
                                 static_cast<float>(std::log(static_cast<double>(radius))));
    mypaint_brush_set_base_value(brush_.get(), MYPAINT_BRUSH_SETTING_COLOR_H, hsv.hue);
    mypaint_brush_set_base_value(brush_.get(), MYPAINT_BRUSH_SETTING_COLOR_S, hsv.saturation);
    mypaint_brush_set_base_value(brush_.get(), MYPAINT_BRUSH_SETTING_COLOR_V, hsv.value);
}

void Canvas::stroke_to(float x, float y, float pressure, double seconds) {
    begin();
    to(x, y, pressure, seconds);
    end();
    x_ = x;
    y_ = y;
    pressure_ = pressure;
    pen_down_ = pressure > 0;
}

void Canvas::move(float x, float y) {
    begin();
    mypaint_brush_reset(brush_.get());
    mypaint_brush_new_stroke(brush_.get());
    to(x, y, 0, kSeconds);
    end();
    x_ = x;
    y_ = y;
    pen_down_ = false;
}

void Canvas::paint(const Stroke& stroke) {
    set_brush(stroke.radius, stroke.rgb);
    const double from = pen_down_ ? pressure_ : stroke.pressure;
    begin();
    if (!pen_down_) to(x_, y_, from, kSeconds);  // so that the pressure takes effect from the first point on
    for (int i = 1; i <= kSteps; ++i) {
        const double t = double(i) / kSteps;
        const double a = (1 - t) * (1 - t), b = 2 * (1 - t) * t, c = t * t;
        to(a * x_ + b * stroke.control[0] + c * stroke.end[0], a * y_ + b * stroke.control[1] + c * stroke.end[1],
           from * (1 - t) + stroke.pressure * t, kSeconds);
    }
    end();
    x_ = stroke.end[0];
    y_ = stroke.end[1];
    pressure_ = stroke.pressure;
    pen_down_ = true;
}

const uint16_t* Canvas::at(int x, int y) const {
    return &pixels_[(size_t(y / kTile) * tiles_x_ + x / kTile) * kTileNumbers + (size_t(y % kTile) * kTile + x % kTile) * 4];
}

// A shown value is 255 times the mean of c + (1 - a) background over factor x factor pixels, rounded once, half up.
template <int channels>
void Canvas::convert_exact(int left, int right, int row, uint8_t* shown) const {
    const uint64_t area = uint64_t(factor_) * factor_;
    for (int column = left; column < right; ++column, shown += channels) {
        uint64_t sum[4] = {0, 0, 0, 0};
        for (int y = row * factor_; y < (row + 1) * factor_; ++y) {
            for (int x = column * factor_; x < (column + 1) * factor_; ++x) {
                const uint16_t* pixel = at(x, y);
                for (int i = 0; i < 4; ++i) sum[i] += pixel[i];
            }
        }
        const uint64_t missing = area * kOne - sum[3];
        for (int i = 0; i < channels; ++i) {
            const uint64_t over = sum[i] * kOne + missing * format_.background[i];
            shown[i] = static_cast<uint8_t>((over * 255 + (area << 29)) / (area << 30));
        }
    }
}

// The same for opaque pixels of one tile, one by one, which is nearly all that there is; false if a pixel is not opaque.
template <int channels>
bool convert_opaque(const uint16_t* pixel, int count, uint8_t* shown) {
    uint16_t all = kOne;
    for (int i = 0; i < count; ++i) all &= pixel[4 * i + 3];
    if (all != kOne) return false;
    uint8_t bytes[kTile * 4];
    for (int i = 0; i < count * 4; ++i) bytes[i] = static_cast<uint8_t>((pixel[i] * 255u + kOne / 2) >> 15);
    for (int i = 0; i < count; ++i)
        for (int j = 0; j < channels; ++j) shown[i * channels + j] = bytes[4 * i + j];
    return true;
}

template <int channels>
void Canvas::convert() {
    const int left = left_ / factor_, right = (right_ + factor_ - 1) / factor_;
    const int columns = format_.width / factor_;
    for (int row = top_ / factor_; row < (bottom_ + factor_ - 1) / factor_; ++row) {
        uint8_t* shown = &image_[size_t(row) * columns * channels];
        if (factor_ > 1) {
            convert_exact<channels>(left, right, row, shown + left * channels);
            continue;
        }
        for (int start = left, stop; start < right; start = stop) {
            stop = std::min(right, (start / kTile + 1) * kTile);
            if (!convert_opaque<channels>(at(start, row), stop - start, shown + start * channels))
                convert_exact<channels>(start, stop, row, shown + start * channels);
        }
    }
}

void Canvas::read(uint8_t* out, int factor) {
    if (factor != factor_) {
        image_.resize(size_t(format_.width / factor) * (format_.height / factor) * format_.channels);
        factor_ = factor;
        left_ = top_ = 0;
        right_ = format_.width;
        bottom_ = format_.height;
    }
    if (left_ < right_ && top_ < bottom_) format_.channels == 1 ? convert<1>() : convert<3>();
    left_ = format_.width;
    top_ = format_.height;
    right_ = bottom_ = 0;
    std::memcpy(out, image_.data(), image_.size());
}

}  // namespace pymypaint
