/* The limit that the environment is held against: libmypaint in a plain loop, one program after another.
 *
 * Usage: c_loop BRUSH.myb PROGRAMS REPEATS [PIXELS]
 *
 * PROGRAMS holds, in native byte order: int32 programs, int32 actions in each, int32 canvas size (a multiple of 64), then
 * for each action ten floats: paint (0 or 1), control x, y, end x, y, pressure, log radius, hue, saturation, value. The brush is
 * made once, as in the published environment, so that episodes after the first are not those of a new brush. With PIXELS
 * (a file to write) a brush is made for each program instead, and the surfaces' 15-bit RGBA go there, tile by tile.
 *
 * Prints strokes (moves not counted), the seconds of processor time that they took, and a checksum of the last surface.
 */
#include <math.h>
#include <mypaint-brush.h>
#include <mypaint-fixed-tiled-surface.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { TILE = MYPAINT_TILE_SIZE * MYPAINT_TILE_SIZE * 4, STEPS = 50, HEADER = 3 };
static const double SECONDS = 0.1;

typedef struct {
    float paint, control[2], end[2], pressure, log_radius, hsv[3];
} Action;

static char *read_file(const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file) {
        perror(path);
        exit(1);
    }
    fseek(file, 0, SEEK_END);
    long size = ftell(file);
    rewind(file);
    char *content = calloc(size + 1, 1);
    if (fread(content, 1, size, file) != (size_t)size) exit(1);
    fclose(file);
    return content;
}

static uint16_t *tile(MyPaintSurface *surface, int x, int y) {
    MyPaintTileRequest request;
    mypaint_tile_request_init(&request, 0, x, y, FALSE);
    mypaint_tiled_surface_tile_request_start((MyPaintTiledSurface *)surface, &request);
    mypaint_tiled_surface_tile_request_end((MyPaintTiledSurface *)surface, &request);
    return request.buffer;
}

static MyPaintBrush *new_brush(const char *json) {
    MyPaintBrush *brush = mypaint_brush_new();
    if (!mypaint_brush_from_string(brush, json)) exit(1);
    return brush;
}

static void move(MyPaintBrush *brush, MyPaintSurface *surface, float x, float y) {
    mypaint_surface_begin_atomic(surface);
    mypaint_brush_reset(brush);
    mypaint_brush_new_stroke(brush);
    mypaint_brush_stroke_to(brush, surface, x, y, 0, 0, 0, SECONDS);
    mypaint_surface_end_atomic(surface, NULL);
}

static void paint(MyPaintBrush *brush, MyPaintSurface *surface, const Action *action, const float *from, double pressure,
                  int first) {
    mypaint_brush_set_base_value(brush, MYPAINT_BRUSH_SETTING_RADIUS_LOGARITHMIC, action->log_radius);
    mypaint_brush_set_base_value(brush, MYPAINT_BRUSH_SETTING_COLOR_H, action->hsv[0]);
    mypaint_brush_set_base_value(brush, MYPAINT_BRUSH_SETTING_COLOR_S, action->hsv[1]);
    mypaint_brush_set_base_value(brush, MYPAINT_BRUSH_SETTING_COLOR_V, action->hsv[2]);
    mypaint_surface_begin_atomic(surface);
    if (first) mypaint_brush_stroke_to(brush, surface, from[0], from[1], pressure, 0, 0, SECONDS);
    for (int i = 1; i <= STEPS; i++) {
        const double t = (double)i / STEPS;
        const double a = (1 - t) * (1 - t), b = 2 * (1 - t) * t, c = t * t;
        mypaint_brush_stroke_to(brush, surface, a * from[0] + b * action->control[0] + c * action->end[0],
                                a * from[1] + b * action->control[1] + c * action->end[1],
                                pressure * (1 - t) + action->pressure * t, 0, 0, SECONDS);
    }
    mypaint_surface_end_atomic(surface, NULL);
}

int main(int count, char **arguments) {
    if (count != 4 && count != 5) return fprintf(stderr, "usage: c_loop BRUSH.myb PROGRAMS REPEATS [PIXELS]\n"), 2;
    const char *json = read_file(arguments[1]);
    const int32_t *header = (const int32_t *)read_file(arguments[2]);
    const Action *actions = (const Action *)(header + HEADER);
    const int programs = header[0], length = header[1], size = header[2], side = size / MYPAINT_TILE_SIZE;
    FILE *pixels = count == 5 ? fopen(arguments[4], "wb") : NULL;
    if (count == 5 && !pixels) return perror(arguments[4]), 1;

    MyPaintSurface *surface = mypaint_fixed_tiled_surface_interface(mypaint_fixed_tiled_surface_new(size, size));
    MyPaintBrush *brush = new_brush(json);
    long strokes = 0;
    const clock_t start = clock();
    for (int repeat = 0; repeat < atoi(arguments[3]); repeat++) {
        for (int program = 0; program < programs; program++) {
            if (pixels) {
                mypaint_brush_unref(brush);
                brush = new_brush(json);
            }
            for (int i = 0; i < side * side; i++) {
                uint16_t *buffer = tile(surface, i % side, i / side);
                for (int j = 0; j < TILE; j++) buffer[j] = 1 << 15;
            }
            float pen[2] = {0, 0};
            double pressure = 0;
            int painting = 0;
            move(brush, surface, 0, 0);
            for (int i = 0; i < length; i++) {
                const Action *action = &actions[program * length + i];
                if (action->paint) {
                    paint(brush, surface, action, pen, painting ? pressure : action->pressure, !painting);
                    pressure = action->pressure;
                    strokes++;
                } else {
                    move(brush, surface, action->end[0], action->end[1]);
                }
                painting = action->paint != 0;
                pen[0] = action->end[0];
                pen[1] = action->end[1];
            }
            for (int i = 0; pixels && i < side * side; i++)
                fwrite(tile(surface, i % side, i / side), sizeof(uint16_t), TILE, pixels);
        }
    }
    const double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
    uint32_t checksum = 0;
    for (int i = 0; i < side * side; i++)
        for (int j = 0; j < TILE; j++) checksum = checksum * 31 + tile(surface, i % side, i / side)[j];
    printf("%ld %.6f %u\n", strokes, seconds, checksum);
    return pixels ? fclose(pixels) : 0;
}
