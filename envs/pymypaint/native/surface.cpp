#include "surface.h"

#include <algorithm>
#include <atomic>
#include <cmath>

#include "fine_dab.h"

namespace pymypaint {
namespace {

constexpr float kLargestDab = 4096;  // pixels; libmypaint keeps brushes below 1000
constexpr int kMostQueued = 64;      // dabs; few enough that what libmypaint keeps of them stays in the nearest cache
constexpr int kFewStrayed = 4096;    // pixels; to render them takes less than to make a new surface
constexpr int kLookWork = 16;        // a look at a tile is the work of so many dabs

// For tiles that are about to hold what no other does.
uint64_t new_mark() {
    static std::atomic<uint64_t> marks{0};
    return ++marks;
}

// What a dab can reach, and a pixel more, as libmypaint reckons.
Region region_of(float x, float y, float radius) {
    const auto cell = [](float number) { return static_cast<int>(std::floor(number)); };
    const float reach = radius + 1;
    return {cell(x - reach), cell(y - reach), cell(x + reach) + 1, cell(y + reach) + 1};
}

// The tiles that a region is on, as columns and rows of tiles.
Region tiles_of(const Region& region) {
    const auto tile = [](int pixel) { return pixel >= 0 ? pixel / kTile : -1 - (-1 - pixel) / kTile; };
    return {tile(region.left), tile(region.top), tile(region.right - 1) + 1, tile(region.bottom - 1) + 1};
}

// libmypaint's colorizing divides by zero where paint and canvas are of equal grey, and overflows where black paint meets
// white. A colour a sixtieth of a step of 8 bits away is safe: no channel below 2, and not all three equal.
void avoid_grey(float& r, float& g, float& b) {
    const auto fixed_point = [](float value) {
        return value > 0 ? std::clamp(static_cast<int>(std::min(value, 1.0f) * kOne), 2, int(kOne)) : 2;
    };
    const int red = fixed_point(r), green = fixed_point(g);
    int blue = fixed_point(b);
    if (red == green && green == blue) blue += blue > 2 ? -1 : 1;
    r = float(red) / kOne;
    g = float(green) / kOne;
    b = float(blue) / kOne;
}

void end_tile(MyPaintTiledSurface*, MyPaintTileRequest*) {}

// libmypaint's own ways to draw and to look, which ours call.
struct Library {
    decltype(MyPaintSurface::draw_dab) draw_dab;
    decltype(MyPaintSurface::get_color) get_color;
};
const Library& library_functions() {
    static const Library library = [] {
        MyPaintTiledSurface surface;
        mypaint_tiled_surface_init(&surface, nullptr, nullptr);
        const Library found{surface.parent.draw_dab, surface.parent.get_color};
        mypaint_tiled_surface_destroy(&surface);
        return found;
    }();
    return library;
}

}  // namespace

void Region::include(const Region& other) {
    left = std::min(left, other.left);
    top = std::min(top, other.top);
    right = std::max(right, other.right);
    bottom = std::max(bottom, other.bottom);
}

Region Region::within(const Region& other) const {
    return {std::max(left, other.left), std::max(top, other.top), std::min(right, other.right),
            std::min(bottom, other.bottom)};
}

Surface::Surface(int width, int height, const Color& background, float scale, float edge)
    : width_(width),
      height_(height),
      columns_((width + kTile - 1) / kTile),
      rows_((height + kTile - 1) / kTile),
      background_(background),
      scale_(scale),
      edge_(edge),
      tiles_(tile(0, rows_)),
      marks_(size_t(columns_) * rows_) {
    tiled_.owner = this;
    make();
    clear();
}

Surface::~Surface() { mypaint_tiled_surface_destroy(&tiled_.base); }

void Surface::make() {
    mypaint_tiled_surface_init(&tiled_.base, start_tile, end_tile);
    library()->draw_dab = draw_dab;
    library()->get_color = get_color;
}

void Surface::clear() {
    const uint16_t pixel[4] = {background_[0], background_[1], background_[2], kOne};
    for (size_t i = 0; i < tiles_.size(); ++i) tiles_[i] = pixel[i % 4];
    std::fill(marks_.begin(), marks_.end(), 0);
    changed_ = {0, 0, width_, height_};
}

void Surface::become(const Surface& other) {
    for (int row = 0; row < rows_; ++row) {
        for (int column = 0; column < columns_; ++column) {
            const size_t number = size_t(row) * columns_ + column;
            if (marks_[number] == other.marks_[number]) continue;
            marks_[number] = other.marks_[number];
            std::copy_n(&other.tiles_[tile(column, row)], kTile * kTile * 4, &tiles_[tile(column, row)]);
            changed_.include({column * kTile, row * kTile, (column + 1) * kTile, (row + 1) * kTile});
        }
    }
}

void Surface::load(const uint8_t* shown, int channels) {
    const auto fixed_point = [](uint32_t value) { return static_cast<uint16_t>((value * kOne + 127) / 255); };
    for (int y = 0; y < height_; ++y) {
        for (int x = 0; x < width_; ++x, shown += channels) {
            uint16_t* pixel = &tiles_[tile(x / kTile, y / kTile) + (y % kTile * kTile + x % kTile) * 4];
            for (int i = 0; i < 3; ++i) pixel[i] = fixed_point(shown[channels == 3 ? i : 0]);
            pixel[3] = kOne;
        }
    }
    std::fill(marks_.begin(), marks_.end(), new_mark());
    changed_ = {0, 0, width_, height_};
}

Region Surface::take_changed() {
    const Region changed = changed_.within({0, 0, width_, height_});
    changed_ = {width_, height_, 0, 0};
    return changed;
}

// libmypaint asks for tiles outside of the canvas too: there it reads transparent pixels, and writes go nowhere.
void Surface::start_tile(MyPaintTiledSurface* surface, MyPaintTileRequest* request) {
    static const std::vector<uint16_t> transparent(kTile * kTile * 4, 0);
    thread_local std::vector<uint16_t> scratch(kTile * kTile * 4, 0);
    Surface* self = of(surface);
    if (request->tx >= 0 && request->ty >= 0 && request->tx < self->columns_ && request->ty < self->rows_) {
        request->buffer = &self->tiles_[self->tile(request->tx, request->ty)];
        if (!request->readonly) self->marks_[size_t(request->ty) * self->columns_ + request->tx] = self->mark_;
    } else {
        request->buffer = request->readonly ? const_cast<uint16_t*>(transparent.data()) : scratch.data();
    }
}

// Also false for what is not a number.
bool Surface::touches(float x, float y, float radius) const {
    const float reach = radius + 2;
    return radius <= kLargestDab && x + reach >= 0 && y + reach >= 0 && x - reach <= columns_ * kTile &&
           y - reach <= rows_ * kTile;
}

// A dab beyond the edges changes no pixel that is shown, yet libmypaint would render it: left out for speed, and because
// its map of tiles grows without bound where a brush throws dabs far away.
int Surface::draw_dab(MyPaintSurface* surface, float x, float y, float radius, float r, float g, float b, float opaque,
                      float hardness, float alpha, float aspect_ratio, float angle, float lock_alpha, float colorize) {
    Surface* self = of(surface);
    if (self->scale_ > 1) radius = enlarged({radius, hardness}, self->scale_, self->edge_);
    int drawn = FALSE, tiles = 0;
    if (self->touches(x, y, radius)) {
        const Region region = region_of(x, y, radius);
        tiles = tiles_of(region).area();
        self->changed_.include(region);
        self->strayed_ += region.area() - region.within({0, 0, self->columns_ * kTile, self->rows_ * kTile}).area();
        if (colorize > 0) avoid_grey(r, g, b);
        drawn = library_functions().draw_dab(surface, x, y, radius, r, g, b, opaque, hardness, alpha, aspect_ratio, angle,
                                             lock_alpha, colorize);
        if ((self->queued_ += tiles) > kMostQueued) {
            self->end();
            self->begin();
        }
    }
    if (self->listener_) self->listener_->dab_drawn(1 + tiles + kLookWork * self->looked_);
    self->looked_ = 0;
    return drawn;
}

void Surface::get_color(MyPaintSurface* surface, float x, float y, float radius, float* r, float* g, float* b, float* a) {
    Surface* self = of(surface);
    radius = std::max(radius, 1.0f);
    if (self->touches(x, y, radius)) {
        self->looked_ += tiles_of(region_of(x, y, radius)).area();
        return library_functions().get_color(surface, x, y, radius, r, g, b, a);
    }
    *r = *b = *a = 0;
    *g = 1;  // libmypaint's own answer where all is transparent
}

void Surface::begin() {
    mark_ = new_mark();
    mypaint_surface_begin_atomic(library());
    queued_ = strayed_ = 0;
}

// libmypaint queues dabs for each tile that they touch and renders them at the end, those for tiles outside of the canvas
// too. Asking for the colour of one pixel renders the queue of one tile; what is left then goes away with the surface.
void Surface::end() {
    if (strayed_ < kFewStrayed) {
        mypaint_surface_end_atomic(library(), nullptr);
        return;
    }
    const float middle = kTile / 2;
    for (int row = 0; row < rows_; ++row) {
        for (int column = 0; column < columns_; ++column) {
            float r, g, b, a;
            library_functions().get_color(library(), column * kTile + middle, row * kTile + middle, 1, &r, &g, &b, &a);
        }
    }
    mypaint_tiled_surface_destroy(&tiled_.base);
    make();
}

}  // namespace pymypaint
